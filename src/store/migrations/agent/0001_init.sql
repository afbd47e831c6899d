-- What the agent must not forget, other than the ledger.

-- Small typed values, one JSON object each.
CREATE TABLE singletons (
    key  TEXT NOT NULL PRIMARY KEY,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sets of 64-bit ids, packed, little-endian.
CREATE TABLE packed (
    key   TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Ordinals are given once and never reused.
CREATE TABLE scopes (
    scope INTEGER PRIMARY KEY,
    next  INTEGER NOT NULL
) STRICT;

CREATE TABLE ordinals (
    id    INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    n     INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    intent     TEXT    NOT NULL,
    state      INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3)), -- queued, in flight, acknowledged, wedged
    reason     TEXT,
    attempts   INTEGER NOT NULL,
    queued_at  INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
