-- A user's investments, newest first, older than the cursor where one is given, with the state of
-- the upgrade that they pay for.
SELECT content_investments.*,
       fundings.price_lamports,
       fundings.funded_lamports,
       fundings.escrowed_lamports,
       fundings.job_id,
       upgrade_jobs.state AS job_state,
       upgrade_jobs.frames_done,
       upgrade_jobs.frames_total
FROM content_investments
JOIN fundings USING (content_id, rung)
LEFT JOIN upgrade_jobs ON upgrade_jobs.id = fundings.job_id
WHERE content_investments.user_id = %(user_id)s
  AND (%(before_at)s::timestamptz IS NULL
       OR (content_investments.created_at, content_investments.id)
          < (%(before_at)s::timestamptz, %(before_id)s::uuid))
ORDER BY content_investments.created_at DESC, content_investments.id DESC
LIMIT %(limit)s
