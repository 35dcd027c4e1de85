-- Which database this is, how far it has come, and under which name it is in use: one row.
CREATE TABLE identity (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  -- The same in all copies.
  id         TEXT NOT NULL,
  -- Raised while it is in use, and noted in a file beside it, so that an older copy is known as such.
  generation INTEGER NOT NULL,
  -- The schema cookie, while it is in use; NULL once it was closed. What SQLite copies has another cookie.
  cookie     INTEGER,
  -- The file that it is in, the one that holds the lock, and the path: of the last process that had it.
  inode      TEXT NOT NULL,
  lock_inode TEXT NOT NULL,
  path       TEXT NOT NULL
) STRICT;
