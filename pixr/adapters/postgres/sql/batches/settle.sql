-- Payouts of finalized batches are PAID, their promises kept, and what moved is posted: all from
-- the same rows, so that nothing is posted that is not paid. Beside them the entries of the house
-- (fees, rent) and its promises. Returns what each batch has paid.
WITH landed AS (
    SELECT *
    FROM unnest(%(batch_ids)s::uuid[], %(transaction_ids)s::bigint[])
         AS landed (batch_id, transaction_id)
), paid AS (
    UPDATE payouts
    SET state = 'PAID',
        paid_at = %(now)s
    FROM landed
    WHERE payouts.batch_id = landed.batch_id
      AND payouts.state = 'RESERVED'
    RETURNING landed.batch_id, landed.transaction_id, payouts.debit_account,
              payouts.credit_account, payouts.lamports,
              -- The treasury pays what somebody else owes.
              payouts.kind IN ('earnings', 'return') AS is_settling
), moves AS (
    SELECT transaction_id, debit_account AS account, -lamports AS lamports,
           lamports AS released_lamports
    FROM paid
    UNION ALL
    SELECT transaction_id, credit_account, lamports, 0
    FROM paid
    UNION ALL
    SELECT settling.transaction_id, side.account, side.sign * settling.lamports, 0
    FROM (SELECT transaction_id, sum(lamports)::bigint AS lamports
          FROM paid
          WHERE is_settling
          GROUP BY transaction_id) AS settling
    CROSS JOIN (VALUES ('treasury', -1), ('settled', 1)) AS side (account, sign)
    UNION ALL
    SELECT *
    FROM unnest(%(house_transaction_ids)s::bigint[], %(house_accounts)s::text[],
                %(house_lamports)s::bigint[], %(house_released_lamports)s::bigint[])
), posted AS (
    INSERT INTO ledger_entries (transaction_id, account, lamports, released_lamports)
    SELECT transaction_id, account, sum(lamports)::bigint, sum(released_lamports)::bigint
    FROM moves
    GROUP BY transaction_id, account
    HAVING sum(lamports) <> 0 OR sum(released_lamports) <> 0
)
SELECT batch_id, sum(lamports)::bigint AS lamports
FROM paid
GROUP BY batch_id
