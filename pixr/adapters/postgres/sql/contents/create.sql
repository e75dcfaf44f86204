-- Register a content that awaits its first rendition. Touches nothing and returns no row when
-- the id is taken: the caller reads whose it is.
INSERT INTO contents (content_id, creator_id, created_at)
VALUES (%(content_id)s, %(creator_id)s, %(now)s)
ON CONFLICT (content_id) DO NOTHING
RETURNING content_id
