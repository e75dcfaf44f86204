-- Its authority over the wrapped SOL is gone; in the transaction that makes the next one live.
UPDATE reserves SET state = 'RETIRED', retired_at = %(now)s WHERE state = 'LIVE'
