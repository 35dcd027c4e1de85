-- All times are milliseconds since the Unix epoch. No foreign keys: history outlives the webhooks it
-- is about, and everything is deleted by the verbs that know why.

CREATE TABLE webhooks (
  id            TEXT NOT NULL PRIMARY KEY,
  namespace     TEXT NOT NULL,
  name          TEXT NOT NULL,
  destination   TEXT NOT NULL,
  state         TEXT NOT NULL,
  state_reason  TEXT,
  -- The run cursor.
  anchor_at     INTEGER NOT NULL,
  nominal_at    INTEGER,
  run_due_at    INTEGER,
  fired         INTEGER NOT NULL,
  skipped       INTEGER NOT NULL,
  filter_failures INTEGER NOT NULL,
  -- The lane's health.
  failing_since INTEGER,
  trips         INTEGER NOT NULL,
  open_until    INTEGER,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  -- Set while deliveries of a removed webhook are still to be moved to history.
  removed_at    INTEGER,
  -- A JSON array of sealed secrets in base64, and what the caller asked for, as JSON.
  secrets       TEXT NOT NULL,
  spec          TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX webhooks_key ON webhooks (namespace, name, destination) WHERE removed_at IS NULL;
CREATE INDEX webhooks_namespace ON webhooks (namespace, id);
CREATE INDEX webhooks_run ON webhooks (run_due_at, id)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL;
CREATE INDEX webhooks_removed ON webhooks (removed_at) WHERE removed_at IS NOT NULL;

-- Rows lie in order of arrival and not of ids, since those of runs that are due at one time are in no
-- order among themselves, and a commit should have few pages to write.
CREATE TABLE events (
  id           TEXT NOT NULL PRIMARY KEY,
  caller_id    TEXT,
  namespace    TEXT NOT NULL,
  type         TEXT NOT NULL,
  source       TEXT,
  subject      TEXT,
  time         INTEGER NOT NULL,
  nominal_at   INTEGER,
  content_type TEXT NOT NULL,
  -- A JSON object; NULL is an empty one.
  headers      TEXT,
  created_at   INTEGER NOT NULL,
  purged       INTEGER NOT NULL DEFAULT 0,
  -- Deliveries of it that are still kept, waiting or finished; it is deleted with the last.
  deliveries   INTEGER NOT NULL,
  body         BLOB NOT NULL
) STRICT;

-- What callers named their events, while that is remembered.
CREATE TABLE remembered (
  namespace  TEXT NOT NULL,
  caller_id  TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  digest     TEXT NOT NULL,
  until      INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  PRIMARY KEY (namespace, caller_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX remembered_until ON remembered (until);

-- What webhooks asked for, one row for each of their event types.
CREATE TABLE subscriptions (
  namespace  TEXT NOT NULL,
  pattern    TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  PRIMARY KEY (namespace, pattern, webhook_id)
) STRICT, WITHOUT ROWID;

-- What templates made for a delivery. Headers are a JSON object.
CREATE TABLE renderings (
  delivery_id  TEXT NOT NULL PRIMARY KEY,
  headers      TEXT NOT NULL,
  content_type TEXT,
  body         BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX events_unheard ON events (created_at) WHERE deliveries = 0;

-- Deliveries that are not finished. `ord` is the order of commits; it is not reused while the
-- process lives. The key keeps a lane's rows together, in order of arrival.
CREATE TABLE waiting (
  webhook_id TEXT NOT NULL,
  ord        INTEGER NOT NULL,
  id         TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  attempts_before INTEGER NOT NULL DEFAULT 0,
  run        INTEGER NOT NULL,
  -- Why it is to be given up; 0 when it is not.
  ending     INTEGER NOT NULL DEFAULT 0,
  format     INTEGER NOT NULL,
  rendered   INTEGER NOT NULL,
  last_status INTEGER,
  replay_of  TEXT,
  nominal_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (webhook_id, ord)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX waiting_id ON waiting (id);
CREATE INDEX waiting_due ON waiting (webhook_id, due_at, ord);
CREATE INDEX waiting_run ON waiting (webhook_id, ending) WHERE run = 1;
CREATE INDEX waiting_webhook ON waiting (webhook_id, id);
CREATE INDEX waiting_namespace ON waiting (namespace, id);

-- Finished deliveries: state 1 is SUCCEEDED, 2 FAILED, 3 CANCELLED. They come in by way of `settled`,
-- which has no index to keep, and move on to `deliveries` many at a time: an index by webhook has as
-- many places to write to as there are webhooks, and then each is written to once for many rows.
CREATE TABLE settled (
  id          TEXT NOT NULL PRIMARY KEY,
  namespace   TEXT NOT NULL,
  webhook_id  TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  state       INTEGER NOT NULL,
  reason      TEXT,
  attempts    INTEGER NOT NULL,
  last_status INTEGER,
  replay_of   TEXT,
  nominal_at  INTEGER,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  id          TEXT NOT NULL PRIMARY KEY,
  namespace   TEXT NOT NULL,
  webhook_id  TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  state       INTEGER NOT NULL,
  reason      TEXT,
  attempts    INTEGER NOT NULL,
  last_status INTEGER,
  replay_of   TEXT,
  nominal_at  INTEGER,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_namespace ON deliveries (namespace, state, id);
CREATE INDEX deliveries_webhook ON deliveries (webhook_id, state, id);
CREATE INDEX deliveries_finished ON deliveries (finished_at);

CREATE TABLE attempts (
  delivery_id TEXT NOT NULL,
  number      INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  duration_ms REAL NOT NULL,
  -- Of an answer.
  status      INTEGER,
  headers     TEXT,
  body        BLOB,
  truncated   INTEGER NOT NULL,
  -- Of a failure.
  error_class TEXT,
  message     TEXT,
  -- JSON arrays.
  sent        TEXT NOT NULL,
  timing      TEXT,
  address     TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;
