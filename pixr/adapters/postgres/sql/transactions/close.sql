-- What became of attempts in these states. Fewer rows than asked for: one was decided before.
UPDATE transactions
SET state = %(state)s,
    slot = seen.slot,
    fee_lamports = seen.fee_lamports,
    error = %(error)s,
    closed_at = %(now)s
FROM unnest(%(signatures)s::text[], %(slots)s::bigint[], %(fees_lamports)s::bigint[])
     AS seen (signature, slot, fee_lamports)
WHERE transactions.signature = seen.signature
  AND transactions.state = ANY(%(states)s::text[])
RETURNING transactions.signature
