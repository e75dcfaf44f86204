-- Pin an address at first use. A later, different one changes nothing: the caller sees the
-- pinned one come back and stops.
INSERT INTO house_addresses (account, address, pinned_at)
VALUES (%(account)s, %(address)s, %(now)s)
ON CONFLICT (account) DO UPDATE SET address = house_addresses.address
RETURNING address
