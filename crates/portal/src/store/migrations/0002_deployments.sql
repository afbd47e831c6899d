-- Charters, deployments, questions, requests, and what happened with them. What has a column `home` goes when the home is erased.

-- Highest sequence ever handed out to the home (R32); it stays when old deployments go.
ALTER TABLE home ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
-- Position in the audit trail up to which the home has been told who read it (R30).
ALTER TABLE home ADD COLUMN reads_told INTEGER NOT NULL DEFAULT 0;

CREATE TABLE charter (
  tenant   INTEGER NOT NULL REFERENCES tenant(id),
  version  INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (tenant, version)
) WITHOUT ROWID;

CREATE TABLE deployment (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant     INTEGER NOT NULL REFERENCES tenant(id),
  home       INTEGER NOT NULL,
  deployment BLOB NOT NULL,         -- 16 bytes: the id inside the payload
  sequence   INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  title      TEXT NOT NULL,
  author     TEXT NOT NULL,
  state      TEXT NOT NULL,
  code       TEXT,
  envelope   TEXT NOT NULL,         -- as handed in: the payload's bytes are never touched
  items      TEXT NOT NULL DEFAULT '[]', -- what the home said of its items, as JSON
  submitted  TEXT NOT NULL,         -- by whom, as in the audit trail
  created    INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  handed     INTEGER,               -- when it was first given to the home's link
  UNIQUE (tenant, deployment),
  UNIQUE (home, sequence)
);
CREATE INDEX deployment_home ON deployment(home, state);

CREATE TABLE deployment_event (
  deployment INTEGER NOT NULL,
  n          INTEGER NOT NULL,
  home       INTEGER NOT NULL,
  state      TEXT NOT NULL,
  code       TEXT,
  at         INTEGER NOT NULL,
  PRIMARY KEY (deployment, n)
) WITHOUT ROWID;
CREATE INDEX deployment_event_home ON deployment_event(home);

CREATE TABLE question (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant     INTEGER NOT NULL REFERENCES tenant(id),
  home       INTEGER NOT NULL,
  question   BLOB NOT NULL,         -- 16 bytes: its id on the link
  text       TEXT NOT NULL,
  candidates TEXT NOT NULL,         -- opaque ids, as JSON
  state      TEXT NOT NULL,
  choice     TEXT,
  asked      TEXT NOT NULL,         -- by whom, as in the audit trail
  created    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  UNIQUE (home, question)
);

CREATE TABLE request (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant  INTEGER NOT NULL REFERENCES tenant(id),
  home    INTEGER NOT NULL,
  request BLOB NOT NULL,            -- 16 bytes: its id on the link
  text    TEXT NOT NULL,            -- emptied when the owner takes it back
  rooms   TEXT NOT NULL,            -- opaque ids, as JSON
  state   TEXT NOT NULL,
  at      INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  UNIQUE (home, request)
);

-- What `/v1/events` tells, for a week.
CREATE TABLE event (
  n      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  home   INTEGER,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  body   TEXT NOT NULL
);
CREATE INDEX event_tenant ON event(tenant, n);
CREATE INDEX event_home ON event(home);
