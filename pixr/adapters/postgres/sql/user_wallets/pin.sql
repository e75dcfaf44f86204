-- Pin the address at first use. A later, different one changes nothing: the caller reads what
-- is pinned and compares.
INSERT INTO user_wallets (user_id, address, derivation_version, created_at)
VALUES (%(user_id)s, %(address)s, %(derivation_version)s, %(now)s)
ON CONFLICT (user_id) DO NOTHING
