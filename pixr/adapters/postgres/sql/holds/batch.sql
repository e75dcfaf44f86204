-- One batch with everything that its own row says. No row: there is none such.
SELECT id, kind, state, version, receipt_address, receipt_seed, receipt_state, merkle_root, payees,
       lamports, treasury_reserved_lamports, hold_reason, planned_at, closed_at
FROM batches
WHERE id = %(batch_id)s
