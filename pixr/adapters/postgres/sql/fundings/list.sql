-- Every upgrade of one content that somebody has put money into, lowest rung first.
SELECT content_id, rung, price_lamports, quote, funded_lamports, escrowed_lamports, state, job_id,
       opened_at
FROM fundings
WHERE content_id = %(content_id)s
ORDER BY rung
