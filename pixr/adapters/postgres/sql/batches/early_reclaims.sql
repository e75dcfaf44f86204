-- Which of these reclaims would empty a receipt of a batch that was not final yet at the time
-- given: somebody planned them by a clock that was ahead.
SELECT DISTINCT batch_receipts.batch_id
FROM batch_receipts
JOIN batches AS paid ON paid.id = batch_receipts.paid_batch_id
WHERE batch_receipts.batch_id = ANY(%(batch_ids)s::uuid[])
  AND paid.closed_at > %(before)s
