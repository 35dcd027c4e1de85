-- Tenants, and their quotas: NULL where nothing was asked for. One that is DELETING goes with the last row of what it
-- owns.
CREATE TABLE namespaces (
  name              TEXT NOT NULL PRIMARY KEY,
  state             TEXT NOT NULL,
  webhooks_max      INTEGER,
  waiting_max       INTEGER,
  lane_waiting_max  INTEGER,
  publish_rate      REAL,
  publish_burst     INTEGER,
  payload_bytes_max INTEGER,
  -- 0 for those that were there before this table.
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  version           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX namespaces_deleting ON namespaces (name) WHERE state = 'DELETING';

INSERT INTO namespaces (name, state, created_at, updated_at, version)
SELECT 'default', 'ACTIVE', 0, 0, 1 UNION SELECT namespace, 'ACTIVE', 0, 0, 1 FROM webhooks WHERE removed_at IS NULL;

-- Webhooks that were removed, by what owned them: they go with it.
CREATE INDEX webhooks_left ON webhooks (namespace) WHERE removed_at IS NOT NULL;
