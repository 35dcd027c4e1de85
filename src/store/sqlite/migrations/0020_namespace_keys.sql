-- The Ed25519 keys by which namespaces sign, their private parts sealed.
CREATE TABLE namespace_keys (
  namespace  TEXT NOT NULL PRIMARY KEY,
  -- The thumbprint of the public part.
  id         TEXT NOT NULL,
  public_key BLOB NOT NULL,
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
