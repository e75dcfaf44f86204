-- The accruals of a payout that is never paid are nobody's again.
UPDATE pending_earnings
SET payout_id = NULL
WHERE payout_id = %(payout_id)s
