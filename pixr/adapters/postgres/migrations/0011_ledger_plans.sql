-- A connection's first post is often a large drain, whose plan reads all accounts. Kept for the
-- next thousand posts of sixteen payees, it made the time per payee grow with the number of
-- accounts (measured: 5.6 ms a post instead of 2.0 with 10,000 accounts; docs/BENCHMARKS.md).

SET LOCAL lock_timeout = '5s';

ALTER FUNCTION ledger_entries_post() SET plan_cache_mode = force_custom_plan;
