-- The money of an investment in an upgrade that the database thinks is not paid for has left
-- escrow: it is a claim from now on, and its part of the upgrade is open again. No row: there is
-- no such investment.
WITH given_up AS (
    UPDATE content_investments
    SET state = 'CANCELLED'
    WHERE id = (
        SELECT content_investments.id
        FROM content_investments
        JOIN fundings USING (content_id, rung)
        WHERE fundings.state = 'OPEN'
          AND content_investments.state = 'ESCROWED'
          AND content_investments.lamports = %(lamports)s
        ORDER BY content_investments.created_at, content_investments.id
        LIMIT 1
        FOR UPDATE OF content_investments
    )
    RETURNING content_id, rung, user_id, lamports
)
UPDATE fundings
SET funded_lamports = funded_lamports - given_up.lamports,
    escrowed_lamports = escrowed_lamports - given_up.lamports
FROM given_up
JOIN user_wallets USING (user_id)
WHERE fundings.content_id = given_up.content_id
  AND fundings.rung = given_up.rung
RETURNING given_up.user_id, user_wallets.address
