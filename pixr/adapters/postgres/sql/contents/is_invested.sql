-- Whether a quality of this content was paid for, or is being paid for or made.
SELECT EXISTS (
    SELECT
    FROM fundings
    WHERE content_id = %(content_id)s
      AND state <> 'FAILED'
      AND (funded_lamports > 0 OR state <> 'OPEN')
) OR EXISTS (
    SELECT
    FROM upgrade_jobs
    WHERE content_id = %(content_id)s
      AND kind = 'funded'
      AND closed_at IS NULL
) AS is_invested
