-- What a wallet can spend, locked until the transaction ends: what is decided from it (how much
-- "max" is, what would remain) still holds when it is reserved.
SELECT posted_lamports - reserved_lamports AS available_lamports
FROM ledger_accounts
WHERE account = 'wallet:' || %(user_id)s
FOR UPDATE
