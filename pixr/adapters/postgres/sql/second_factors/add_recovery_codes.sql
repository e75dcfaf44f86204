-- A new set of codes, of which only digests are kept.
INSERT INTO recovery_codes (factor_id, digest)
SELECT %(factor_id)s, digest
FROM unnest(%(digests)s::bytea[]) AS digest
