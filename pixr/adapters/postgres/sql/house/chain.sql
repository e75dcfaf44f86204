-- The chain that this database speaks of. No row before the first tick.
SELECT genesis_hash, network
FROM chain_identity
