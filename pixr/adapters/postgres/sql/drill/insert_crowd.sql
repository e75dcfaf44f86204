-- Films of a crowd that is only watched: live, without a file behind them, so that nothing has to
-- be encoded for payees that a lookup table needs by the dozen.
INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms, best_rung,
                      manifest_key, created_at)
SELECT content_id, creator_id, 'live', 'originals/drill', 60000, 480, 'media/drill', %(now)s
FROM unnest(%(content_ids)s::text[], %(creator_ids)s::text[]) AS film (content_id, creator_id)
