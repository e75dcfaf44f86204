-- Every wallet with what was paid into it and out of it, and whether a held batch may have
-- moved more.
SELECT user_wallets.user_id, user_wallets.address,
       COALESCE(sum(payouts.lamports) FILTER (
           WHERE payouts.state = 'PAID' AND payouts.destination = user_wallets.address
       ), 0)::bigint AS received_lamports,
       COALESCE(sum(payouts.lamports) FILTER (
           WHERE payouts.state = 'PAID'
             AND payouts.debit_account = 'wallet:' || user_wallets.user_id
       ), 0)::bigint AS sent_lamports,
       COALESCE(bool_or(payouts.state = 'RESERVED'), false) AS is_moving
FROM user_wallets
LEFT JOIN payouts ON payouts.user_id = user_wallets.user_id
GROUP BY user_wallets.user_id
ORDER BY user_wallets.user_id
