-- Take a key. While another transaction holds it this waits for that one to end (or for the lock
-- timeout); no row means that the key was taken and its answer is there to read.
INSERT INTO idempotency (user_id, key, route, body_sha256, claimed_at)
VALUES (%(user_id)s, %(key)s, %(route)s, %(body_sha256)s, %(now)s)
ON CONFLICT (user_id, key) DO NOTHING
RETURNING key
