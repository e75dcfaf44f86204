-- Another group is to follow: the planned one was never handed anything.
UPDATE reserves SET state = 'ABANDONED' WHERE state = 'PLANNED' AND multisig <> %(but)s
