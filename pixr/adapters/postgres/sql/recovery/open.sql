-- The recovery that did not end clean. No row: there is none.
SELECT id, anchor_signature, anchor_slot
FROM recoveries
WHERE finished_at IS NULL
