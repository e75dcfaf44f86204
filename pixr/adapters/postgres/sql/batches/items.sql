-- The payouts of these batches, each batch's in the order of its transfers.
SELECT batch_items.batch_id, payouts.id, payouts.kind, payouts.user_id, payouts.debit_account,
       payouts.credit_account, payouts.destination, payouts.lamports, payouts.investment_id,
       payouts.payees_max
FROM batch_items
JOIN payouts ON payouts.id = batch_items.payout_id
WHERE batch_items.batch_id = ANY(%(batch_ids)s::uuid[])
ORDER BY batch_items.batch_id, batch_items.position
