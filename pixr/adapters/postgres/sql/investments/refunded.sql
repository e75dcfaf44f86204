-- The investments that a finalized batch gave back.
UPDATE content_investments
SET state = 'REFUNDED'
FROM payouts
WHERE payouts.batch_id = %(batch_id)s
  AND payouts.kind = 'refund'
  AND content_investments.id = payouts.investment_id
  AND content_investments.state = 'REFUNDING'
