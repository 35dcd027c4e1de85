-- Keys of callers. The key itself is nowhere: `hash` is SHA-256 of it, and `prefix` how it begins. Null for the
-- namespace is all of them. `change` counts the changes of all keys, so that servers learn of those they do not know.
CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  namespace TEXT,
  role TEXT NOT NULL,
  note TEXT NOT NULL,
  calls_per_second INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,
  change INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
