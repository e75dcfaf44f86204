-- The least that the treasury can hold on chain: what is posted, less all that batches may have
-- taken whose bytes may be anywhere. As of known_slot: nothing that is posted is younger.
SELECT (COALESCE((SELECT posted_lamports FROM ledger_accounts WHERE account = 'treasury'), 0)
        - COALESCE((SELECT sum(treasury_reserved_lamports) FROM batches
                    WHERE state IN ('SIGNED', 'INFLIGHT', 'HOLD')), 0))::bigint AS least_lamports,
       GREATEST((SELECT max(slot) FROM transactions WHERE state IN ('LANDED', 'FAILED')),
                (SELECT max(slot) FROM deposits WHERE account = 'treasury'), 0) AS known_slot
