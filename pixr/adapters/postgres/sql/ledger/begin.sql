-- Open a ledger transaction for each event, leaving out those that were posted before.
INSERT INTO ledger_transactions (reference, posted_at)
SELECT reference, %(now)s
FROM unnest(%(references)s::text[]) AS reference
ON CONFLICT (reference) DO NOTHING
RETURNING id, reference
