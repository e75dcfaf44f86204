-- The investments of a decided funding, on to their next state.
UPDATE content_investments
SET state = %(state)s,
    live_at = CASE WHEN %(state)s = 'LIVE' THEN %(now)s::timestamptz END
FROM user_wallets
WHERE content_investments.content_id = %(content_id)s
  AND content_investments.rung = %(rung)s
  AND content_investments.state = 'ESCROWED'
  AND user_wallets.user_id = content_investments.user_id
RETURNING content_investments.id, content_investments.user_id, content_investments.lamports,
          user_wallets.address
