-- The audit log, a page of it, with the very text that was hashed.
SELECT seq AS key, seq, at, actor, action, subject, detail::text AS detail, previous_hash, hash
FROM audit_log
WHERE seq > %(after)s
ORDER BY seq
LIMIT %(limit)s
