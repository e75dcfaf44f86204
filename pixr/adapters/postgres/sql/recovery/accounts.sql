-- The ledger accounts of these addresses; an address that is nobody's has no row.
SELECT address, account
FROM house_addresses
WHERE address = ANY(%(addresses)s::text[])
UNION ALL
SELECT address, 'wallet:' || user_id
FROM user_wallets
WHERE address = ANY(%(addresses)s::text[])
