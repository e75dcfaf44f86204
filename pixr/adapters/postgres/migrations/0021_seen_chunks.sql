-- Whoever encodes a chunk looks at all of it, and says which bytes were seen.

SET LOCAL lock_timeout = '5s';

ALTER TABLE upgrade_chunks
    -- Of the file, each of whose frames was decoded. NULL: nobody looked yet, as at what
    -- MediaConvert makes and what was made before this column; then the assembler does.
    ADD COLUMN sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$');
