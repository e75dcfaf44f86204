-- Whether any work has come this far since a moment, so that a kill can be aimed at it. A drain
-- holds its lock from the first to the last statement of its transaction.
SELECT EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'advisory'
                 AND classid = hashtext('drain')::oid AND objid = 0
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS draining,
       EXISTS (SELECT FROM batches WHERE state = 'PLANNED' AND planned_at >= %(since)s) AS planned,
       EXISTS (SELECT FROM transactions WHERE state = 'SIGNED' AND signed_at >= %(since)s)
           AS signed,
       EXISTS (SELECT FROM transactions WHERE state = 'INFLIGHT' AND sent_at >= %(since)s)
           AS in_flight,
       EXISTS (SELECT FROM transactions WHERE closed_at >= %(since)s) AS closed
