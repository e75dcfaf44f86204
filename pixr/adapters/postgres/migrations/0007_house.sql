-- The addresses of the house's own accounts, pinned by the settler, which alone can derive them.

SET LOCAL lock_timeout = '5s';

CREATE TABLE house_addresses (
    account   text        PRIMARY KEY REFERENCES ledger_accounts
        CHECK (account IN ('treasury', 'escrow')),
    address   text        NOT NULL UNIQUE CHECK (length(address) BETWEEN 32 AND 44),
    pinned_at timestamptz NOT NULL
);
