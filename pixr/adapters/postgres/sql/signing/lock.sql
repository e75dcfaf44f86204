-- One signer at a time counts what was signed; two could each leave the other out.
SELECT pg_advisory_xact_lock(hashtext('signing'), 0)
