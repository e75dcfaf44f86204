-- The money behind a claim has left escrow for the treasury: the treasury owes it now.
UPDATE payouts
SET kind = 'return',
    debit_account = 'return:' || user_id,
    reason = %(reason)s
WHERE id = %(payout_id)s
  AND state = 'QUARANTINED'
