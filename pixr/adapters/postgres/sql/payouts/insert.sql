-- A new payout, still to be batched. Its amount is already reserved in the debit account.
INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination, lamports,
                     investment_id, created_at)
VALUES (%(payout_id)s, %(kind)s, %(user_id)s, %(debit_account)s, %(credit_account)s,
        %(destination)s, %(lamports)s, %(investment_id)s, %(now)s)
