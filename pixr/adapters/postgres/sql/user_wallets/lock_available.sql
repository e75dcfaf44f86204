-- What a wallet can spend, locked until the transaction ends: what is decided from it (how much
-- "max" is, what would remain) still holds when it is reserved. NO KEY, because whoever only refers
-- to the account (a foreign key) need not wait.
SELECT posted_lamports - reserved_lamports AS available_lamports
FROM ledger_accounts
WHERE account = 'wallet:' || %(user_id)s
FOR NO KEY UPDATE
