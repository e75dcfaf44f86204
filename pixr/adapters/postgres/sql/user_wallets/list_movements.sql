-- Everything that moved or is about to move a user's money, newest first: payouts of every kind
-- with the transaction that carries them, and deposits from outside. A slot is a finalized one.
SELECT at, key, kind, state, lamports, address, signature, slot, fee_lamports
FROM (
    SELECT payouts.created_at AS at,
           payouts.id::text AS key,
           payouts.kind,
           payouts.state,
           payouts.lamports,
           payouts.destination AS address,
           carrier.signature,
           carrier.slot,
           carrier.fee_lamports
    FROM payouts
    LEFT JOIN LATERAL (
        SELECT signature, slot, fee_lamports
        FROM transactions
        WHERE transactions.batch_id = payouts.batch_id
        ORDER BY (state = 'LANDED') DESC, attempt DESC
        LIMIT 1
    ) AS carrier ON true
    WHERE payouts.user_id = %(user_id)s
    UNION ALL
    SELECT deposits.observed_at,
           deposits.signature,
           'deposit',
           'PAID',
           deposits.lamports,
           user_wallets.address,
           deposits.signature,
           deposits.slot,
           NULL
    FROM deposits
    JOIN user_wallets ON user_wallets.user_id = %(user_id)s
    WHERE deposits.account = 'wallet:' || %(user_id)s
) AS movements
WHERE %(before_at)s::timestamptz IS NULL
   OR (at, key COLLATE "C") < (%(before_at)s::timestamptz, %(before_key)s::text COLLATE "C")
ORDER BY at DESC, key COLLATE "C" DESC
LIMIT %(limit)s
