-- The investments that share in the open epochs of these contents.
SELECT epoch_shares.content_id, epoch_shares.investment_id, content_investments.user_id,
       content_investments.lamports AS invested_lamports,
       epoch_shares.lamports AS epoch_lamports,
       content_investments.return_cap_lamports - content_investments.returned_lamports
           AS room_lamports
FROM epoch_shares
JOIN content_epochs USING (content_id, epoch)
JOIN content_investments ON content_investments.id = epoch_shares.investment_id
WHERE content_epochs.is_open
  AND epoch_shares.content_id = ANY(%(content_ids)s::text[])
ORDER BY epoch_shares.content_id, epoch_shares.investment_id
