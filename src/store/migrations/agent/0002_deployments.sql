-- Deployments and what belongs to them: what may approve them is a singleton (`trusting`).

-- What was received, oldest first; `json` is the small typed part. Envelope and plan are zstd frames.
CREATE TABLE deployments (
    id       BLOB    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    json     TEXT    NOT NULL,
    envelope BLOB,
    plan     BLOB
) STRICT, WITHOUT ROWID;

-- The journal of writing: for each step what was there before and what shall be there after, as zstd frames.
CREATE TABLE steps (
    deployment BLOB    NOT NULL,
    n          INTEGER NOT NULL,
    json       TEXT    NOT NULL,
    target     BLOB    NOT NULL,
    before     BLOB    NOT NULL,
    after      BLOB    NOT NULL,
    beside     BLOB,             -- what goes with the image before: settings of an automation's entity (R44)
    found      BLOB,             -- somebody else's, where we met it
    PRIMARY KEY (deployment, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE questions (
    id       BLOB    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    json     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    id       BLOB    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    json     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Who of the staff has read what, as the portal tells it (R30).
CREATE TABLE reads (
    n    INTEGER NOT NULL PRIMARY KEY, -- position in the portal's audit trail
    time INTEGER NOT NULL,
    who  TEXT    NOT NULL,
    what TEXT    NOT NULL
) STRICT;
