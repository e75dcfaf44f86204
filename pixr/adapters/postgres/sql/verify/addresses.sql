-- Addresses that hold money of the ledger, with what the ledger says they hold; a page of them, by
-- account.
SELECT account AS key, account, address, lamports
FROM (
    SELECT house_addresses.account, house_addresses.address,
           ledger_accounts.posted_lamports AS lamports
    FROM house_addresses
    JOIN ledger_accounts USING (account)
    UNION ALL
    SELECT 'wallet:' || user_wallets.user_id, user_wallets.address,
           COALESCE(ledger_accounts.posted_lamports, 0)
    FROM user_wallets
    LEFT JOIN ledger_accounts ON ledger_accounts.account = 'wallet:' || user_wallets.user_id
) AS held
WHERE account > %(after)s
ORDER BY account
LIMIT %(limit)s
