-- Support reports that owners have sent, until they take them back, and for so long as the protocol says.
CREATE TABLE support (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL REFERENCES tenant(id),
  home   INTEGER NOT NULL,
  report BLOB NOT NULL,             -- 16 bytes: its id on the link
  text   TEXT NOT NULL,             -- as the owner read it
  at     INTEGER NOT NULL,
  UNIQUE (home, report)
);
