-- All chunks of a planned job at once.
INSERT INTO upgrade_chunks (job_id, position, frame_start, frame_count)
SELECT %(job_id)s, chunk.position, chunk.frame_start, chunk.frame_count
FROM unnest(%(positions)s::integer[], %(frame_starts)s::bigint[], %(frame_counts)s::bigint[])
    AS chunk (position, frame_start, frame_count)
