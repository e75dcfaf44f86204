-- What the ledger says now of these accounts, with their addresses.
SELECT ledger_accounts.account,
       COALESCE(house_addresses.address, user_wallets.address) AS address,
       ledger_accounts.posted_lamports AS lamports
FROM ledger_accounts
LEFT JOIN house_addresses USING (account)
LEFT JOIN user_wallets ON 'wallet:' || user_wallets.user_id = ledger_accounts.account
WHERE ledger_accounts.account = ANY(%(accounts)s::text[])
ORDER BY ledger_accounts.account
