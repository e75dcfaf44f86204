-- A user's withdrawals since a moment, and whether the allow-list trusted each one's address when
-- it was asked for. Bounded by the rules themselves: no more than a day may have.
SELECT payouts.created_at AS at,
       payouts.lamports,
       COALESCE(allowlist.usable_at <= payouts.created_at, false) AS is_trusted
FROM payouts
LEFT JOIN allowlist
       ON allowlist.user_id = payouts.user_id
      AND allowlist.destination = payouts.destination
WHERE payouts.user_id = %(user_id)s
  AND payouts.kind = 'withdrawal'
  AND payouts.created_at > %(since)s
