-- What callers changed: who, what, when and from where, in ids and names of fields. An entry is of one call in one
-- namespace; null for the namespace is none. `changes` has the first of them in JSON, and `change_count` counts all.
-- Ids grow with time, which is what entries are listed and swept by.
CREATE TABLE audit_entries (
  id TEXT NOT NULL PRIMARY KEY,
  namespace TEXT,
  at INTEGER NOT NULL,
  method TEXT NOT NULL,
  caller_kind TEXT NOT NULL,
  caller TEXT NOT NULL,
  address TEXT NOT NULL,
  request_id TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  changes TEXT NOT NULL,
  change_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_entries_namespace ON audit_entries (namespace, id);
