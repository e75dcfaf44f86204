-- Withdrawals and investments of one wallet are settled one after the other.

SET LOCAL lock_timeout = '5s';

-- "Is another one of this wallet ahead of it?"
CREATE INDEX payouts_leaving ON payouts (debit_account, created_at, id)
    WHERE kind IN ('withdrawal', 'investment') AND state IN ('PENDING', 'RESERVED');
-- And at most one of them is in a batch, whichever settler batched it.
CREATE UNIQUE INDEX payouts_one_leaving ON payouts (debit_account)
    WHERE kind IN ('withdrawal', 'investment') AND state = 'RESERVED';
