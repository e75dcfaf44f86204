-- Every batch that has carried a payout, first to last.
SELECT batches.id, batches.state, batches.planned_at, batches.closed_at
FROM batch_items
JOIN batches ON batches.id = batch_items.batch_id
WHERE batch_items.payout_id = %(payout_id)s
ORDER BY batches.planned_at, batches.id
