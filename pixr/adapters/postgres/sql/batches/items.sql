-- The payouts of a batch, in the order of its transfers.
SELECT payouts.id, payouts.kind, payouts.user_id, payouts.debit_account, payouts.credit_account,
       payouts.destination, payouts.lamports, payouts.investment_id
FROM batch_items
JOIN payouts ON payouts.id = batch_items.payout_id
WHERE batch_items.batch_id = %(batch_id)s
ORDER BY batch_items.position
