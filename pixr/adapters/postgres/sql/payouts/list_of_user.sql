-- A user's payouts of the given kinds, newest first, older than the cursor where one is given.
SELECT payouts.*, carrier.signature, carrier.slot, carrier.fee_lamports
FROM payouts
LEFT JOIN LATERAL (
    SELECT signature, slot, fee_lamports
    FROM transactions
    WHERE transactions.batch_id = payouts.batch_id
    ORDER BY (state = 'LANDED') DESC, attempt DESC
    LIMIT 1
) AS carrier ON true
WHERE payouts.user_id = %(user_id)s
  AND payouts.kind = ANY(%(kinds)s::text[])
  AND (%(before_at)s::timestamptz IS NULL
       OR (payouts.created_at, payouts.id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
ORDER BY payouts.created_at DESC, payouts.id DESC
LIMIT %(limit)s
