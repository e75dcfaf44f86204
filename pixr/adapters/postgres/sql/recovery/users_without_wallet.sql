-- Users that the database has heard of and whose wallet it does not know: who asked for it after
-- the restore point is among them, or is named by an operator.
SELECT user_id
FROM (
    SELECT creator_id AS user_id FROM contents
    UNION SELECT user_id FROM uploads
    UNION SELECT user_id FROM pending_earnings
    UNION SELECT user_id FROM idempotency
    UNION SELECT user_id FROM allowlist
    UNION SELECT user_id FROM second_factors
) AS heard_of
WHERE NOT EXISTS (SELECT FROM user_wallets WHERE user_wallets.user_id = heard_of.user_id)
ORDER BY user_id
