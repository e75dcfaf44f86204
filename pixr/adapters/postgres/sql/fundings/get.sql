-- How far one upgrade is funded.
SELECT content_id, rung, price_lamports, quote, funded_lamports, escrowed_lamports, state, job_id,
       opened_at
FROM fundings
WHERE content_id = %(content_id)s
  AND rung = %(rung)s
