-- The message has left; a crash before this line sends it again, which is harmless.
UPDATE outbox
SET sent_at = %(now)s
WHERE id = %(id)s
