-- Who may do what: idempotency, second factor, allow-list, audit.

SET LOCAL lock_timeout = '5s';

-- The first answer to a key, committed together with what it did.
CREATE TABLE idempotency (
    user_id     text        NOT NULL,
    key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    route       text        NOT NULL,
    body_sha256 bytea       NOT NULL CHECK (length(body_sha256) = 32),
    -- NULL only inside the transaction that claims the key.
    status      integer     CHECK (status BETWEEN 200 AND 499),
    response    jsonb,
    claimed_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, key),
    CHECK ((status IS NULL) = (response IS NULL))
);
CREATE INDEX idempotency_by_age ON idempotency (claimed_at);

-- A one-time code works once: the step is spent for this user.
CREATE TABLE totp_used (
    user_id text        NOT NULL,
    step    bigint      NOT NULL CHECK (step >= 0),
    used_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, step)
);

-- Destinations a user trusts. A new one cools off before large sums may go there.
CREATE TABLE allowlist (
    user_id     text        NOT NULL,
    destination text        NOT NULL CHECK (length(destination) BETWEEN 32 AND 44),
    label       text        NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    added_at    timestamptz NOT NULL,
    usable_at   timestamptz NOT NULL CHECK (usable_at >= added_at),
    PRIMARY KEY (user_id, destination)
);

-- Append-only; each row carries the SHA-256 of the row before.
CREATE TABLE audit_log (
    seq           bigint      PRIMARY KEY,
    at            timestamptz NOT NULL,
    actor         text        NOT NULL,
    action        text        NOT NULL,
    subject       text        NOT NULL,
    detail        jsonb       NOT NULL,
    previous_hash bytea       NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea       NOT NULL UNIQUE CHECK (length(hash) = 32)
);

-- hash = SHA-256 over previous hash, number, epoch microseconds and the texts, each behind a
-- zero byte. The database chains, so no writer can forget to.
CREATE FUNCTION audit_log_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_row audit_log%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log'), 0);
    SELECT * INTO last_row FROM audit_log ORDER BY seq DESC LIMIT 1;
    NEW.seq := COALESCE(last_row.seq, 0) + 1;
    NEW.previous_hash := COALESCE(last_row.hash, decode(repeat('00', 32), 'hex'));
    NEW.hash := sha256(
        NEW.previous_hash
        || convert_to(NEW.seq::text, 'UTF8') || '\x00'::bytea
        || convert_to((extract(epoch FROM NEW.at) * 1000000)::bigint::text, 'UTF8') || '\x00'::bytea
        || convert_to(NEW.actor, 'UTF8') || '\x00'::bytea
        || convert_to(NEW.action, 'UTF8') || '\x00'::bytea
        || convert_to(NEW.subject, 'UTF8') || '\x00'::bytea
        || convert_to(NEW.detail::text, 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER audit_log_chain BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_chain();
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, ledger_entries FROM PUBLIC;
