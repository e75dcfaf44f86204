-- Turn what is owed into payouts, in one statement: for each user who is owed at least the
-- minimum, as a creator and as an investor together (less, when nothing more is to come), claim the accruals nobody has claimed, make a
-- payout of exactly their sum, and reserve it. A rival settler blocks on the rows, then finds
-- them claimed and makes nothing. Those who are owed most come first, up to a limit; an id follows
-- from the seed of the call and the account. Returns how many payouts were made.
WITH doubles AS MATERIALIZED (
    -- Few users are investors, and of these few are creators: who is neither costs nothing here.
    SELECT substr(returns.account, length('return:') + 1) AS user_id
    FROM ledger_accounts AS returns
    JOIN ledger_accounts AS earnings
        ON earnings.account = 'owed:' || substr(returns.account, length('return:') + 1)
    WHERE split_part(returns.account, ':', 1) = 'return'
      AND returns.posted_lamports > returns.reserved_lamports
      AND returns.posted_lamports - returns.reserved_lamports
          + earnings.posted_lamports - earnings.reserved_lamports >= %(minimum_lamports)s
), due AS (
    SELECT owed_accounts.account,
           CASE owed_accounts.kind WHEN 'owed' THEN 'earnings' ELSE 'return' END AS kind,
           owed_accounts.user_id,
           wallet.address
    FROM owed_accounts
    -- One by one: taken for a few rows, they would be joined by comparing each with each.
    CROSS JOIN LATERAL (
        SELECT address
        FROM user_wallets
        WHERE user_wallets.user_id = owed_accounts.user_id
        LIMIT 1
    ) AS wallet
    WHERE owed_accounts.available_lamports >= %(minimum_lamports)s
       OR (owed_accounts.available_lamports >= %(final_minimum_lamports)s
           AND (owed_accounts.is_final OR owed_accounts.user_id IN (SELECT user_id FROM doubles)))
    ORDER BY owed_accounts.available_lamports DESC, owed_accounts.account
    LIMIT %(limit)s
), named AS (
    SELECT due.*,
           encode(substr(sha256(convert_to(%(seed)s::text || account, 'UTF8')), 1, 16), 'hex')::uuid
               AS payout_id
    FROM due
), opened AS (
    -- The accounts that are about to be credited; a user's first payout finds none.
    INSERT INTO ledger_accounts (account)
    SELECT DISTINCT 'wallet:' || user_id
    FROM named
    ORDER BY 1
    ON CONFLICT (account) DO NOTHING
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
    RETURNING debit_account, lamports
), reserved AS (
    UPDATE ledger_accounts
    SET reserved_lamports = reserved_lamports + made.lamports
    FROM made
    WHERE ledger_accounts.account = made.debit_account
    RETURNING 1
)
SELECT count(*)::integer AS payouts
FROM reserved
