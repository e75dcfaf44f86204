-- The chain says that it holds the reserve. Returns nothing where it did before.
UPDATE reserves SET state = 'LIVE', live_at = %(now)s
WHERE multisig = %(multisig)s AND state IN ('PLANNED', 'ABANDONED')
RETURNING multisig
