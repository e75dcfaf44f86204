-- What a user has accrued and nobody has claimed, oldest first. Locked.
SELECT drain_id, content_id, kind, views, lamports, accrued_at
FROM pending_earnings
WHERE user_id = %(user_id)s
  AND payout_id IS NULL
ORDER BY accrued_at, drain_id, content_id
FOR UPDATE
