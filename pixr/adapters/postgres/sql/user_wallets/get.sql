-- A user's pinned wallet; no row before the first request for it.
SELECT user_id, address, derivation_version, created_at
FROM user_wallets
WHERE user_id = %(user_id)s
