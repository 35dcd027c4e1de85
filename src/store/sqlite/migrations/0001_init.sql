-- All times are milliseconds since the Unix epoch. No foreign keys: everything is deleted by the verbs
-- that know why. What others refer to has an integer key beside its id, since a key in every row and index
-- entry takes two bytes where an id takes thirty.

-- The row of a removed webhook stays, stripped, as long as deliveries may refer to it.
CREATE TABLE webhooks (
  key           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id            TEXT NOT NULL,
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
  -- The lane's health.
  failing_since INTEGER,
  trips         INTEGER NOT NULL,
  open_until    INTEGER,
  filter_failures INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  removed_at    INTEGER,
  -- Set while deliveries of a removed webhook are still to be cancelled.
  emptying      INTEGER NOT NULL DEFAULT 0,
  -- A JSON array of sealed secrets in base64, and what the caller asked for, as JSON.
  secrets       TEXT NOT NULL,
  spec          TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX webhooks_id ON webhooks (id);
CREATE UNIQUE INDEX webhooks_name ON webhooks (namespace, name, destination) WHERE removed_at IS NULL;
CREATE INDEX webhooks_namespace ON webhooks (namespace, id) WHERE removed_at IS NULL;
CREATE INDEX webhooks_run ON webhooks (run_due_at, id)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL;
CREATE INDEX webhooks_removed ON webhooks (removed_at) WHERE removed_at IS NOT NULL;

-- What webhooks asked for: a row for each of their event types.
CREATE TABLE subscriptions (
  namespace  TEXT NOT NULL,
  pattern    TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  PRIMARY KEY (namespace, pattern, webhook_id)
) STRICT, WITHOUT ROWID;

-- Rows lie in order of arrival and not of ids, since those of runs that are due at one time are in no
-- order among themselves, and a commit should have few pages to write.
CREATE TABLE events (
  key          INTEGER NOT NULL PRIMARY KEY,
  id           TEXT NOT NULL,
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
  -- Of an event with a caller's id: what the same id is compared with, and until when.
  digest       TEXT,
  known_until  INTEGER,
  -- The deliveries that were made of it when it came in: so many from this one on.
  first_ord    INTEGER NOT NULL,
  made         INTEGER NOT NULL,
  -- Deliveries of it that are still kept, waiting or finished; it is deleted with the last.
  deliveries   INTEGER NOT NULL,
  -- NULL once it was erased.
  body         BLOB
) STRICT;

CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_caller ON events (namespace, caller_id) WHERE caller_id IS NOT NULL;
CREATE INDEX events_unheard ON events (created_at) WHERE deliveries = 0;

-- All deliveries, in order of arrival. State 0 is PENDING, 1 SUCCEEDED, 2 FAILED, 3 CANCELLED. The one index
-- that every delivery stays in grows at its end, the others hold what is PENDING or went wrong, so that a
-- history of any length costs the next delivery nothing; lists have tables of their own, below.
CREATE TABLE deliveries (
  ord             INTEGER NOT NULL PRIMARY KEY,
  id              TEXT NOT NULL,
  namespace       TEXT NOT NULL,
  webhook         INTEGER NOT NULL,
  event           INTEGER NOT NULL,
  -- The event's, so that what is listed by it need not look there.
  type            TEXT NOT NULL,
  state           INTEGER NOT NULL DEFAULT 0,
  reason          INTEGER NOT NULL DEFAULT 0,
  due_at          INTEGER NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  attempts_before INTEGER NOT NULL DEFAULT 0,
  run             INTEGER NOT NULL,
  -- Why it is to be given up; 0 when it is not.
  ending          INTEGER NOT NULL DEFAULT 0,
  format          INTEGER NOT NULL,
  rendered        INTEGER NOT NULL,
  -- The status code of the last answer; 0 when there was none.
  last_status     INTEGER NOT NULL DEFAULT 0,
  -- It was PENDING when it was entered in the lists.
  lasting         INTEGER NOT NULL DEFAULT 0,
  -- Not NULL when it is a replay, and empty when there was nothing to repeat.
  replay_of       TEXT,
  created_at      INTEGER NOT NULL,
  finished_at     INTEGER,
  -- The latest row about it in the journal.
  journal         INTEGER
) STRICT;

CREATE UNIQUE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_replay ON deliveries (event) WHERE replay_of IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (webhook, due_at) WHERE state = 0;
CREATE INDEX deliveries_lane ON deliveries (webhook, run) WHERE state = 0;
CREATE INDEX deliveries_lasting ON deliveries (namespace, id, created_at, type)
  WHERE state = 0 AND lasting = 1;
CREATE INDEX deliveries_namespace_lost ON deliveries
  (namespace, state, last_status / 100, id, created_at, type) WHERE state > 1;
CREATE INDEX deliveries_webhook_lost ON deliveries
  (webhook, state, last_status / 100, id, created_at, type) WHERE state > 1;

-- What templates made for a delivery. Headers are a JSON object.
CREATE TABLE renderings (
  ord          INTEGER NOT NULL PRIMARY KEY,
  headers      TEXT NOT NULL,
  content_type TEXT,
  body         BLOB
) STRICT;

-- What happened to deliveries, in the order in which it became durable: each attempt, and each change
-- without one. The rows of one delivery are a chain, from the latest back to the first.
CREATE TABLE journal (
  seq      INTEGER NOT NULL PRIMARY KEY,
  ord      INTEGER NOT NULL,
  previous INTEGER,
  -- Of an attempt.
  number   INTEGER,
  -- The delivery as it was then; `at` is when it was due or finished.
  state    INTEGER NOT NULL,
  reason   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  -- Of the attempt: what is known of it; the headers that were sent and received; the body of the answer.
  facts    TEXT,
  headers  TEXT,
  body     BLOB
) STRICT;

-- Lists by id. A webhook's or a namespace's own place in an index over everything is a page to write for
-- each of them, so rows are entered many at a time, and the lists are cut into buckets by order of arrival,
-- which are small. `least` and `greatest` are the ids in a bucket, `since` and `until` the first and the last
-- time in it, and `upto` is the last row that was entered.
CREATE TABLE buckets (
  list     INTEGER NOT NULL,
  bucket   INTEGER NOT NULL,
  least    TEXT NOT NULL,
  greatest TEXT NOT NULL,
  since    INTEGER NOT NULL,
  until    INTEGER NOT NULL,
  upto     INTEGER NOT NULL,
  -- No event in it has its data any more.
  erased   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (list, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_types (
  bucket     INTEGER NOT NULL,
  namespace  TEXT NOT NULL,
  type       TEXT NOT NULL,
  id         TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  key        INTEGER NOT NULL,
  PRIMARY KEY (bucket, namespace, type, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_types (
  bucket     INTEGER NOT NULL,
  namespace  TEXT NOT NULL,
  type       TEXT NOT NULL,
  id         TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  key        INTEGER NOT NULL,
  PRIMARY KEY (bucket, namespace, type, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_webhooks (
  bucket     INTEGER NOT NULL,
  webhook    INTEGER NOT NULL,
  type       TEXT NOT NULL,
  id         TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  key        INTEGER NOT NULL,
  PRIMARY KEY (bucket, webhook, type, id)
) STRICT, WITHOUT ROWID;

-- Those that are finished.
CREATE TABLE delivery_ends (
  finished_at INTEGER NOT NULL,
  key         INTEGER NOT NULL,
  PRIMARY KEY (finished_at, key)
) STRICT, WITHOUT ROWID;

-- The last row of the journal that was deleted: what follows it is whole.
CREATE TABLE journal_kept (after INTEGER NOT NULL) STRICT;
INSERT INTO journal_kept VALUES (0);
