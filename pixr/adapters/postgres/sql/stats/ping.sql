-- A sign of life, and whether anything waits for a person before money can move.
SELECT count(*) AS batches_held
FROM batches
WHERE state = 'HOLD'
