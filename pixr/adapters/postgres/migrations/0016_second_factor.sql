-- The second factor: who has one, what was tried, and what its removal freezes.

SET LOCAL lock_timeout = '5s';

-- One row for each enrolment. The secret is what KMS made of it, bound to the user by the
-- encryption context, and is forgotten with the factor.
CREATE TABLE second_factors (
    id           uuid        PRIMARY KEY,
    user_id      text        NOT NULL CHECK (length(user_id) BETWEEN 1 AND 128),
    state        text        NOT NULL DEFAULT 'PENDING' CHECK (state IN
        ('PENDING', 'ACTIVE', 'REMOVED')),
    sealed       bytea       CHECK (length(sealed) BETWEEN 1 AND 6144),
    enrolled_at  timestamptz NOT NULL,
    confirmed_at timestamptz,
    removed_at   timestamptz,
    CHECK ((state = 'REMOVED') = (sealed IS NULL)),
    CHECK ((state = 'REMOVED') = (removed_at IS NOT NULL)),
    CHECK (state <> 'ACTIVE' OR confirmed_at IS NOT NULL),
    CHECK (state <> 'PENDING' OR confirmed_at IS NULL)
);
-- A user has one, or is about to have one.
CREATE UNIQUE INDEX second_factors_live ON second_factors (user_id)
    WHERE state IN ('PENDING', 'ACTIVE');

-- Locked while a code is judged, so that guesses come one after the other.
CREATE TABLE second_factor_guards (
    user_id      text PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 128),
    -- Too many wrong codes: none is looked at before.
    locked_until timestamptz,
    -- A factor was removed: nothing is withdrawn before.
    frozen_until timestamptz
);

-- Wrong codes of the last day.
CREATE TABLE second_factor_failures (
    id      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    user_id text        NOT NULL REFERENCES second_factor_guards,
    at      timestamptz NOT NULL
);
CREATE INDEX second_factor_failures_by_user ON second_factor_failures (user_id, at);

-- SHA-256 of each code that brings a lost factor back; it works once.
CREATE TABLE recovery_codes (
    factor_id uuid        NOT NULL REFERENCES second_factors,
    digest    bytea       NOT NULL CHECK (length(digest) = 32),
    used_at   timestamptz,
    PRIMARY KEY (factor_id, digest)
);
