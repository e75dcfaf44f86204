-- Whether any work has come this far since a moment, so that a kill can be aimed at it.
SELECT EXISTS (SELECT FROM batches WHERE state = 'PLANNED' AND planned_at >= %(since)s) AS planned,
       EXISTS (SELECT FROM transactions WHERE state = 'SIGNED' AND signed_at >= %(since)s)
           AS signed,
       EXISTS (SELECT FROM transactions WHERE state = 'INFLIGHT' AND sent_at >= %(since)s)
           AS in_flight,
       EXISTS (SELECT FROM transactions WHERE closed_at >= %(since)s) AS closed
