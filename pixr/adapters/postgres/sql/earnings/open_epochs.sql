-- Open the next epoch of each content that has none open, with its live investments.
WITH opened AS (
    INSERT INTO content_epochs (content_id, epoch, platform_fee_bps, investor_share_bps,
                                opened_at)
    SELECT wanted.content_id,
           1 + COALESCE((SELECT max(epoch) FROM content_epochs AS old
                         WHERE old.content_id = wanted.content_id), 0),
           %(platform_fee_bps)s, %(investor_share_bps)s, %(now)s
    FROM unnest(%(content_ids)s::text[]) AS wanted (content_id)
    WHERE NOT EXISTS (
        SELECT 1
        FROM content_epochs AS open
        WHERE open.content_id = wanted.content_id AND open.is_open
    )
    RETURNING content_id, epoch
)
INSERT INTO epoch_shares (content_id, epoch, investment_id)
SELECT opened.content_id, opened.epoch, content_investments.id
FROM opened
JOIN content_investments USING (content_id)
WHERE content_investments.state = 'LIVE'
