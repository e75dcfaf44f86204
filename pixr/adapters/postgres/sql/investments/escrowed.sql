-- The investments that a finalized batch moved to escrow.
UPDATE content_investments
SET state = 'ESCROWED'
FROM payouts
WHERE payouts.batch_id = %(batch_id)s
  AND payouts.kind = 'investment'
  AND content_investments.id = payouts.investment_id
  AND content_investments.state = 'RESERVED'
RETURNING content_investments.content_id, content_investments.rung, content_investments.lamports
