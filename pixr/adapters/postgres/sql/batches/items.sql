-- The payouts of these batches, each with the number of its batch in the list, and each batch's in
-- the order of its transfers.
SELECT asked.number, payouts.id, payouts.kind, payouts.user_id, payouts.debit_account,
       payouts.credit_account, payouts.destination, payouts.lamports, payouts.investment_id,
       payouts.payees_max
FROM unnest(%(batch_ids)s::uuid[]) WITH ORDINALITY AS asked (batch_id, number)
JOIN batch_items USING (batch_id)
JOIN payouts ON payouts.id = batch_items.payout_id
ORDER BY asked.number, batch_items.position
