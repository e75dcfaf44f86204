-- A day of samples is kept.
DELETE FROM fee_samples
WHERE sampled_at < %(before)s
