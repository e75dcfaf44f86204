-- What was under way when a settler was killed: planned batches, and the attempts that may land.
SELECT (SELECT count(*) FROM batches WHERE state = 'PLANNED')::integer AS planned,
       ARRAY(SELECT signature FROM transactions
             WHERE state IN ('SIGNED', 'INFLIGHT')
             ORDER BY signature) AS signatures
