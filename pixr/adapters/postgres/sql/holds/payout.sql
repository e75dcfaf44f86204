-- One payout as its row says. No row: there is none such.
SELECT id, kind, user_id, debit_account, credit_account, destination, lamports, state, batch_id,
       investment_id, reason, created_at, paid_at, recovered_from
FROM payouts
WHERE id = %(payout_id)s
