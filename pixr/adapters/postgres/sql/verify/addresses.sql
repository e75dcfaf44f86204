-- Every address that holds money of the ledger, with what the ledger says it holds.
SELECT house_addresses.account, house_addresses.address,
       ledger_accounts.posted_lamports AS lamports
FROM house_addresses
JOIN ledger_accounts USING (account)
UNION ALL
SELECT 'wallet:' || user_wallets.user_id, user_wallets.address,
       COALESCE(ledger_accounts.posted_lamports, 0)
FROM user_wallets
LEFT JOIN ledger_accounts ON ledger_accounts.account = 'wallet:' || user_wallets.user_id
ORDER BY 1
