-- From here on the bytes may be anywhere.
UPDATE transactions
SET state = 'INFLIGHT',
    sent_at = %(now)s
WHERE signature = %(signature)s
  AND state = 'SIGNED'
