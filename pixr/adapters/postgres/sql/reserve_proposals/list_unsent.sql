-- Those that may still land, the newest first; the chain says which can.
SELECT deed, nonce_account, nonce, proposed_by, proposed_at
FROM reserve_proposals
WHERE signature IS NULL
ORDER BY proposed_at DESC
LIMIT 100
