-- A payout of a forgotten time. Its amount is already reserved in the debit account.
INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination, lamports, state,
                     investment_id, reason, created_at, recovered_from)
VALUES (%(payout_id)s, %(kind)s, %(user_id)s, %(debit_account)s, %(credit_account)s,
        %(destination)s, %(lamports)s,
        CASE WHEN %(reason)s::text IS NULL THEN 'PENDING' ELSE 'QUARANTINED' END,
        %(investment_id)s, %(reason)s, %(now)s, %(signature)s)
