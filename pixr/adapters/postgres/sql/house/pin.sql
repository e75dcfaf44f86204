-- Pin an address at first use. Whatever stands in its way, a pinned account or an address that
-- another account has, is left as it is; the caller reads what is pinned and compares.
INSERT INTO house_addresses (account, address, pinned_at)
VALUES (%(account)s, %(address)s, %(now)s)
ON CONFLICT DO NOTHING
