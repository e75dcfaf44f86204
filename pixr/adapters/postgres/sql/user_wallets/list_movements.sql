-- Everything that moved or is about to move a user's money, newest first: payouts of every kind
-- with the transaction that carries them, and deposits from outside. A slot is a finalized one.
SELECT at, key, kind, state, lamports, address, signature, slot, fee_lamports
FROM (
    SELECT created_at AS at, id::text AS key, kind, state, lamports, destination AS address,
           signature, slot, fee_lamports
    FROM carried_payouts
    WHERE user_id = %(user_id)s
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
