-- Turn what is owed into payouts, in one statement: for each user who is owed at least the
-- minimum, claim the accruals nobody has claimed, make a payout of exactly their sum, and
-- reserve it. A rival settler blocks on the rows, then finds them claimed and makes nothing.
-- Takes as many ids as payouts may be made; returns the payouts.
WITH due AS (
    SELECT ledger_accounts.account,
           CASE ledger_accounts.kind WHEN 'owed' THEN 'earnings' ELSE 'return' END AS kind,
           ledger_accounts.user_id,
           user_wallets.address,
           row_number() OVER (ORDER BY ledger_accounts.posted_lamports DESC,
                                       ledger_accounts.account) AS number
    FROM ledger_accounts
    JOIN user_wallets USING (user_id)
    WHERE split_part(ledger_accounts.account, ':', 1) IN ('owed', 'return')
      AND ledger_accounts.posted_lamports >= %(minimum_lamports)s
      AND ledger_accounts.posted_lamports - ledger_accounts.reserved_lamports
          >= %(minimum_lamports)s
), named AS (
    SELECT due.*, fresh.id AS payout_id
    FROM due
    JOIN unnest(%(payout_ids)s::uuid[]) WITH ORDINALITY AS fresh (id, number) USING (number)
), claimed AS (
    UPDATE pending_earnings
    SET payout_id = named.payout_id
    FROM named
    WHERE pending_earnings.user_id = named.user_id
      AND pending_earnings.kind = named.kind
      AND pending_earnings.payout_id IS NULL
    RETURNING named.payout_id, pending_earnings.lamports
), sums AS (
    SELECT payout_id, sum(lamports)::bigint AS lamports
    FROM claimed
    GROUP BY payout_id
), made AS (
    INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination,
                         lamports, created_at)
    SELECT named.payout_id, named.kind, named.user_id, named.account,
           'wallet:' || named.user_id, named.address, sums.lamports, %(now)s
    FROM named
    JOIN sums USING (payout_id)
    RETURNING id, debit_account, lamports
)
UPDATE ledger_accounts
SET reserved_lamports = reserved_lamports + made.lamports
FROM made
WHERE ledger_accounts.account = made.debit_account
RETURNING made.id, made.lamports
