-- Pin the chain at the first tick; a later tick leaves it as it is.
INSERT INTO chain_identity (genesis_hash, network, pinned_at)
VALUES (%(genesis_hash)s, %(network)s, %(now)s)
ON CONFLICT (id) DO NOTHING
