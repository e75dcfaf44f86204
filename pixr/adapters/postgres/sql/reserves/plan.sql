-- Written down before it stands on chain; whoever says the same again changes nothing.
INSERT INTO reserves (multisig, token_account, members, threshold, planned_at)
VALUES (%(multisig)s, %(token_account)s, %(members)s, %(threshold)s, %(now)s)
ON CONFLICT (multisig) DO UPDATE SET state = 'PLANNED' WHERE reserves.state = 'ABANDONED'
