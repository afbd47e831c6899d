-- The ledger: what left the house and what came in, as a hash chain.

CREATE TABLE rows (
    seq       INTEGER PRIMARY KEY,
    time      INTEGER NOT NULL,                              -- Unix milliseconds
    direction INTEGER NOT NULL CHECK (direction IN (0, 1, 2)), -- out, in, local
    kind      TEXT    NOT NULL,
    size      INTEGER NOT NULL,                              -- bytes of the whole frame
    body      BLOB    NOT NULL,                              -- BLAKE3 of the whole frame
    stored    INTEGER NOT NULL CHECK (stored IN (0, 1, 2, 3)), -- whole, prefix, prefix let go, whole let go
    prefix    BLOB,                                          -- the prefix, or its BLAKE3 once let go
    settles   BLOB,                                          -- marks of earlier rows written together with this one
    previous  BLOB    NOT NULL,
    hash      BLOB    NOT NULL,
    mark      INTEGER CHECK (mark IN (1, 2, 3))              -- sent, unsent, unknown; null until known
) STRICT;

CREATE TABLE bodies (
    hash  BLOB NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- How many rows have a body, where more than one has. Apart from the bodies, because SQLite writes a whole row again, a
-- megabyte if need be, to change one number in it.
CREATE TABLE shared (
    hash BLOB    NOT NULL PRIMARY KEY,
    refs INTEGER NOT NULL CHECK (refs > 1)
) STRICT, WITHOUT ROWID;

-- Stands for the rows that have expired.
CREATE TABLE checkpoint (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    first_seq     INTEGER NOT NULL,                          -- the first row that remains, or will come
    previous      BLOB    NOT NULL,                          -- hash of the last row that was dropped
    dropped       INTEGER NOT NULL,
    dropped_until INTEGER NOT NULL,                          -- latest time among the dropped rows
    hash          BLOB    NOT NULL
) STRICT;
