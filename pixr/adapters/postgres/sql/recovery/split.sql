-- Divide an accrual that was paid in part: the paid part stays where it is, the rest becomes an
-- accrual of its own, under a drain that read nothing. Sums of accruals, drains and views stay.
WITH drain AS (
    INSERT INTO drains (id, events_read, events_new, events_earning, gross_lamports, drained_at)
    VALUES (%(new_id)s, 0, 0, 0, 0, %(now)s)
    RETURNING id
), paid AS (
    UPDATE pending_earnings
    SET lamports = %(lamports)s::bigint,
        views = floor(pending_earnings.views::numeric * %(lamports)s::bigint
                      / pending_earnings.lamports)::integer
    WHERE drain_id = %(drain_id)s
      AND content_id = %(content_id)s
      AND user_id = %(user_id)s
      AND kind = %(kind)s
    RETURNING content_id, user_id, kind, accrued_at, views
)
INSERT INTO pending_earnings (drain_id, content_id, user_id, kind, views, lamports, accrued_at)
SELECT drain.id, paid.content_id, paid.user_id, paid.kind, %(views)s - paid.views,
       %(rest_lamports)s, paid.accrued_at
FROM paid, drain
