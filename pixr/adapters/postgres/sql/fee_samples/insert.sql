-- Prices of recent slots; a slot seen before keeps its first price.
INSERT INTO fee_samples (slot, micro_lamports_per_unit, sampled_at)
SELECT slot, price, %(now)s
FROM unnest(%(slots)s::bigint[], %(prices)s::bigint[]) AS sample (slot, price)
ON CONFLICT (slot) DO NOTHING
