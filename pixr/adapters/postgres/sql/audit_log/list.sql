-- The newest lines of the log, of one subject or actor when one is named.
SELECT seq, at, actor, action, subject, detail
FROM audit_log
WHERE %(about)s::text IS NULL
   OR actor = %(about)s
   OR subject = %(about)s
ORDER BY seq DESC
LIMIT %(limit)s
