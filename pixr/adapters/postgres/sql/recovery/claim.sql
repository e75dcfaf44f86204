-- A payout claims these accruals of its user.
UPDATE pending_earnings
SET payout_id = %(payout_id)s
FROM unnest(%(drain_ids)s::uuid[], %(content_ids)s::text[]) AS claimed (drain_id, content_id)
WHERE pending_earnings.drain_id = claimed.drain_id
  AND pending_earnings.content_id = claimed.content_id
  AND pending_earnings.user_id = %(user_id)s
  AND pending_earnings.kind = %(kind)s
  AND pending_earnings.payout_id IS NULL
