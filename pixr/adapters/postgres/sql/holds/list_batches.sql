-- Batches that wait for a person, longest first, each with when it was last judged.
SELECT batches.id, batches.kind, batches.payees, batches.lamports, batches.hold_reason,
       batches.planned_at,
       (SELECT max(observed_at) FROM rpc_evidence WHERE rpc_evidence.batch_id = batches.id)
           AS judged_at
FROM batches
WHERE batches.state = 'HOLD'
ORDER BY batches.planned_at, batches.id
LIMIT %(limit)s
