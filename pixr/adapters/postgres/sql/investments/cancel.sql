-- An investment whose transfer was put aside: its part of the upgrade is open again.
WITH cancelled AS (
    UPDATE content_investments
    SET state = 'CANCELLED'
    WHERE id = %(investment_id)s
      AND state = 'RESERVED'
    RETURNING content_id, rung, lamports
)
UPDATE fundings
SET funded_lamports = funded_lamports - cancelled.lamports
FROM cancelled
WHERE fundings.content_id = cancelled.content_id
  AND fundings.rung = cancelled.rung
