-- What was signed within each window, faded linearly by its age: by the house, of that by its
-- treasury, and from the wallets of users. A batch counts once, at its first attempt: later ones
-- pay nothing more. A reclaim pays nobody.
SELECT asked.window_s,
       COALESCE(sum(faded.lamports) FILTER (WHERE NOT faded.is_users), 0)::bigint
           AS house_lamports,
       COALESCE(sum(faded.lamports) FILTER (WHERE faded.kind IN ('earnings', 'table')), 0)::bigint
           AS treasury_lamports,
       COALESCE(sum(faded.lamports) FILTER (WHERE faded.is_users), 0)::bigint AS users_lamports
FROM unnest(%(windows_s)s::integer[]) WITH ORDINALITY AS asked (window_s, number)
LEFT JOIN LATERAL (
    SELECT batches.kind,
           batches.kind IN ('withdrawal', 'investment') AS is_users,
           trunc(batches.lamports::numeric
                 * greatest(0, least(asked.window_s,
                       asked.window_s - extract(epoch FROM %(now)s - transactions.signed_at)))
                 / asked.window_s) AS lamports
    FROM transactions
    JOIN batches ON batches.id = transactions.batch_id
    WHERE transactions.attempt = 1
      AND transactions.signed_at > %(now)s - make_interval(secs => asked.window_s)
      AND batches.kind <> 'reclaim'
) AS faded ON true
GROUP BY asked.number, asked.window_s
ORDER BY asked.number
