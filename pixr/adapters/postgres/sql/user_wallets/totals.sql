-- What a user is owed, was ever paid, and the newest slot in which their wallet is known to have
-- changed (NULL when it never did).
SELECT
    (SELECT COALESCE(sum(posted_lamports), 0)::bigint
     FROM ledger_accounts
     WHERE account IN ('owed:' || %(user_id)s, 'return:' || %(user_id)s)) AS pending_lamports,
    (SELECT COALESCE(sum(lamports), 0)::bigint
     FROM payouts
     WHERE user_id = %(user_id)s
       AND kind IN ('earnings', 'return')
       AND state = 'PAID') AS paid_lamports,
    GREATEST(
        (SELECT max(slot) FROM deposits WHERE account = 'wallet:' || %(user_id)s),
        (SELECT max(transactions.slot)
         FROM payouts
         JOIN transactions ON transactions.batch_id = payouts.batch_id
         WHERE payouts.user_id = %(user_id)s
           AND transactions.state = 'LANDED')
    ) AS known_slot
