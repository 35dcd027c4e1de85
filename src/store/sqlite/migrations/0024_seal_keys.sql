-- The keys by which something here may be sealed, by their ids. A key that is not noted sealed nothing; a database of
-- before notes its key at the next start.
CREATE TABLE seal_keys (
  id       TEXT NOT NULL PRIMARY KEY,
  -- Since when.
  used_at  INTEGER NOT NULL,
  -- When all that is sealed was sealed by it, and nothing by another; NULL where that was never so.
  alone_at INTEGER
) STRICT, WITHOUT ROWID;
