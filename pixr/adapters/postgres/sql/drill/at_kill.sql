-- What was under way when a settler was killed: batches by state, and the attempts that may land.
SELECT (SELECT count(*) FROM batches WHERE state = 'PLANNED')::integer AS planned,
       (SELECT count(*) FROM batches WHERE state = 'SIGNED')::integer AS signed,
       (SELECT count(*) FROM batches WHERE state = 'INFLIGHT')::integer AS in_flight,
       ARRAY(SELECT signature FROM transactions WHERE state = 'INFLIGHT' ORDER BY signature)
           AS signatures
