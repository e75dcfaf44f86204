-- What was cheap lately. Medians of windows are compared with a median, like with like: single
-- slots scatter so widely that a minute's median is hardly ever below their 25th percentile.
-- Returns the nearest-rank percentile of the medians and how many windows there were.
SELECT
    percentile_disc(%(percent)s::integer / 100.0) WITHIN GROUP (ORDER BY median) AS price,
    count(*) AS windows
FROM (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY micro_lamports_per_unit) AS median
    FROM fee_samples
    WHERE sampled_at >= %(since)s
    GROUP BY slot / %(window_slots)s::integer
    HAVING 2 * count(*) >= %(window_slots)s::integer
) AS windows
