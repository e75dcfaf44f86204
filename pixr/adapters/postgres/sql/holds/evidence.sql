-- What each node said whenever a batch was judged, first to last.
SELECT node, evidence, observed_at
FROM rpc_evidence
WHERE batch_id = %(batch_id)s
ORDER BY id
