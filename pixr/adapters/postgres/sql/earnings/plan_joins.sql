-- How the statement that records views is to be planned; `off` before it, `on` after it. What has
-- just been copied has no statistics, so the planner expects one row of what will be fifty
-- thousand, and would join them row by row. Lookups in the day's partition and in `contents` are
-- written so that only an index serves them, however large those are or are believed to be.
-- Compiling the plan (jit) would take longer than to run it.
SELECT set_config('enable_nestloop', %(joins)s, true),
       set_config('enable_mergejoin', %(joins)s, true),
       set_config('enable_sort', %(joins)s, true),
       set_config('enable_bitmapscan', %(joins)s, true),
       set_config('enable_seqscan', %(joins)s, true),
       set_config('jit', 'off', true),
       set_config('work_mem', '64MB', true)
