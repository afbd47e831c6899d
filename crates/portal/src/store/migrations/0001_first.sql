-- The portal's one database file. Times are unix seconds. No address, no raw token, no private key stands in here.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenant (
  id        INTEGER PRIMARY KEY,
  tenant    BLOB NOT NULL UNIQUE,   -- 32 bytes: hash of the root public key
  name      TEXT NOT NULL,
  statement TEXT NOT NULL,          -- the signed envelope, as JSON
  created   INTEGER NOT NULL
);

CREATE TABLE staff (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant     INTEGER NOT NULL REFERENCES tenant(id),
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  token_hash BLOB NOT NULL UNIQUE,  -- SHA-256
  created    INTEGER NOT NULL,
  last_used  INTEGER NOT NULL,      -- written at most hourly
  UNIQUE (tenant, name)
);

CREATE TABLE invite (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant      INTEGER NOT NULL REFERENCES tenant(id),
  secret_hash BLOB NOT NULL UNIQUE,
  label       TEXT,
  created     INTEGER NOT NULL,
  expires     INTEGER NOT NULL,
  used        INTEGER,
  device_key  BLOB                  -- of the home that used it: the same one may ask again
);

CREATE TABLE home (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant        INTEGER NOT NULL REFERENCES tenant(id),
  fingerprint   BLOB NOT NULL,
  tag           BLOB NOT NULL,      -- its name in the erasure journal
  device_key    BLOB NOT NULL,
  recovery_hash BLOB NOT NULL,
  label         TEXT,
  agent         TEXT NOT NULL,
  enrolled      INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  generation    INTEGER NOT NULL DEFAULT 0, -- of the link that may write
  journal_at    INTEGER NOT NULL,   -- length of the erasure journal at enrolment or last consent
  schema        INTEGER NOT NULL,
  consent       TEXT NOT NULL,
  epoch         INTEGER NOT NULL,
  root          BLOB NOT NULL,
  version       INTEGER NOT NULL DEFAULT 0,
  records       INTEGER NOT NULL DEFAULT 0,
  presented     INTEGER NOT NULL DEFAULT 0, -- whether a session token was ever presented
  lineage       INTEGER NOT NULL DEFAULT 0, -- of the token presented last
  lineage_at    INTEGER NOT NULL DEFAULT 0,
  restored_at   INTEGER,
  cloned_at     INTEGER,
  notice        INTEGER,            -- when its erasure for silence was announced
  UNIQUE (tenant, fingerprint)
);
CREATE INDEX home_tag ON home(tag);
CREATE INDEX home_recovery ON home(recovery_hash);

-- The 256 bucket hashes in 16 parts of 16, so that one changed record touches half a kilobyte.
CREATE TABLE bucket (
  home   INTEGER NOT NULL,
  part   INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (home, part)
) WITHOUT ROWID;

-- Key hashes are stored with the first bit flipped, so that SQLite's signed order is theirs.
CREATE TABLE record (
  home  INTEGER NOT NULL,
  place INTEGER NOT NULL,
  key   TEXT NOT NULL,
  hash  BLOB NOT NULL,
  body  TEXT NOT NULL,
  PRIMARY KEY (home, place)
) WITHOUT ROWID;

CREATE TABLE version (
  home INTEGER NOT NULL,
  n    INTEGER NOT NULL,
  root BLOB NOT NULL,
  at   INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,  -- expired or erased: answers 410
  PRIMARY KEY (home, n)
) WITHOUT ROWID;

-- What a record was before version n; no body where there was none.
CREATE TABLE change (
  home  INTEGER NOT NULL,
  n     INTEGER NOT NULL,
  place INTEGER NOT NULL,
  key   TEXT NOT NULL,
  body  TEXT,
  PRIMARY KEY (home, n, place)
) WITHOUT ROWID;

CREATE TABLE staging (
  home     INTEGER PRIMARY KEY,
  root     BLOB NOT NULL,
  since    INTEGER NOT NULL,
  whole    INTEGER NOT NULL,
  complete INTEGER NOT NULL,        -- everything was asked for: what is not staged goes
  batches  INTEGER NOT NULL DEFAULT 0,
  bytes    INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE staged (
  home  INTEGER NOT NULL,
  place INTEGER NOT NULL,
  key   TEXT,                       -- null: the record is gone
  hash  BLOB,
  body  TEXT,
  PRIMARY KEY (home, place)
) WITHOUT ROWID;

CREATE TABLE session (
  home    INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  lineage INTEGER NOT NULL,
  PRIMARY KEY (home, n)
) WITHOUT ROWID;

CREATE TABLE handled (
  home   INTEGER NOT NULL,
  id     BLOB NOT NULL,
  at     INTEGER NOT NULL,
  answer TEXT NOT NULL,
  PRIMARY KEY (home, id)
) WITHOUT ROWID;

-- Erased homes by their name in the journal, so that they are told.
CREATE TABLE erased (
  tag BLOB PRIMARY KEY,
  at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
  n       INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant  INTEGER,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  verb    TEXT NOT NULL,
  subject TEXT NOT NULL,            -- what kind of thing, never which
  digest  BLOB NOT NULL,            -- salted; the salt stands in audit_detail
  chain   BLOB NOT NULL
);

CREATE TABLE audit_detail (
  n       INTEGER PRIMARY KEY,
  home    INTEGER,
  salt    BLOB NOT NULL,
  details TEXT NOT NULL
);
CREATE INDEX audit_detail_home ON audit_detail(home);
