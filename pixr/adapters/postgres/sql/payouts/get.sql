-- One payout with the transaction that carries it now or carried it last.
SELECT *
FROM carried_payouts
WHERE id = %(payout_id)s
