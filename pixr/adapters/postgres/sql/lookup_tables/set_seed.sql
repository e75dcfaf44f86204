-- The receipt's seed as the chain has it, because it does not follow from this batch's id.
UPDATE batches
SET receipt_seed = %(receipt_seed)s
WHERE id = %(batch_id)s
