-- One payout with the transaction that carries it now or carried it last.
SELECT payouts.*, carrier.signature, carrier.slot, carrier.fee_lamports
FROM payouts
LEFT JOIN LATERAL (
    SELECT signature, slot, fee_lamports
    FROM transactions
    WHERE transactions.batch_id = payouts.batch_id
    ORDER BY (state = 'LANDED') DESC, attempt DESC
    LIMIT 1
) AS carrier ON true
WHERE payouts.id = %(payout_id)s
