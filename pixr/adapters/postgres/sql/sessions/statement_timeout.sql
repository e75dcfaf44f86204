-- How long a statement of this connection may take, in milliseconds.
SELECT set_config('statement_timeout', %(timeout_ms)s, false)
