-- Every group there was, the oldest first.
SELECT multisig, token_account, members, threshold, state
FROM reserves
ORDER BY planned_at, multisig
