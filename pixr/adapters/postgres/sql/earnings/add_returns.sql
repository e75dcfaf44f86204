-- Add one drain to what each investment got, in its epoch and overall.
WITH added AS (
    SELECT investment_id, lamports
    FROM unnest(%(investment_ids)s::uuid[], %(lamports)s::bigint[]) AS a (investment_id, lamports)
), in_epoch AS (
    UPDATE epoch_shares
    SET lamports = epoch_shares.lamports + added.lamports
    FROM added, content_epochs
    WHERE epoch_shares.investment_id = added.investment_id
      AND content_epochs.content_id = epoch_shares.content_id
      AND content_epochs.epoch = epoch_shares.epoch
      AND content_epochs.is_open
    RETURNING epoch_shares.investment_id
)
UPDATE content_investments
SET returned_lamports = returned_lamports + added.lamports
FROM added
JOIN in_epoch USING (investment_id)
WHERE content_investments.id = added.investment_id
