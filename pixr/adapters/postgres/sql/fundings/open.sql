-- The first investor fixes the price. Where there is a funding already, nothing changes.
INSERT INTO fundings (content_id, rung, price_lamports, quote, opened_at)
VALUES (%(content_id)s, %(rung)s, %(price_lamports)s, %(quote)s::jsonb, %(now)s)
ON CONFLICT (content_id, rung) DO NOTHING
