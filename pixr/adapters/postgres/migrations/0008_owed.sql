-- Who is owed what, and whether more is to come.

SET LOCAL lock_timeout = '5s';

CREATE VIEW owed_accounts AS
SELECT account,
       kind,
       user_id,
       posted_lamports - reserved_lamports AS available_lamports,
       -- A return whose every live investment has reached its cap will not grow any more, so
       -- waiting for the minimum would be waiting for ever (ADR-0008).
       kind = 'return' AND NOT EXISTS (
           SELECT 1
           FROM content_investments
           WHERE content_investments.user_id = ledger_accounts.user_id
             AND content_investments.state = 'LIVE'
             AND (content_investments.return_cap_lamports IS NULL
                  OR content_investments.returned_lamports
                     < content_investments.return_cap_lamports)
       ) AS is_final
FROM ledger_accounts
WHERE split_part(account, ':', 1) IN ('owed', 'return')
  AND posted_lamports > reserved_lamports;
