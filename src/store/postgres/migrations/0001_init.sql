-- oldest: 1
-- All times are milliseconds since the Unix epoch. No foreign keys: everything is deleted by the verbs that know why,
-- and a key that refers to another row would lock that row. Texts that are compared are compared by their bytes.

-- The last transaction of each node that was committed: who loses the connection over a commit looks here.
CREATE TABLE commits (
  node   text NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (node, number)
);

-- The row of a removed webhook stays, stripped, as long as deliveries may refer to it. `xid` is of the last change that
-- those who remember webhooks must hear of.
CREATE TABLE webhooks (
  key             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id              text COLLATE "C" NOT NULL,
  caller_id       text COLLATE "C",
  namespace       text COLLATE "C" NOT NULL,
  name            text COLLATE "C" NOT NULL,
  destination     text COLLATE "C" NOT NULL,
  state           text COLLATE "C" NOT NULL,
  state_reason    text COLLATE "C",
  -- The run cursor.
  anchor_at       bigint NOT NULL,
  nominal_at      bigint,
  run_due_at      bigint,
  fired           bigint NOT NULL,
  skipped         bigint NOT NULL,
  moved_at        bigint,
  zone_rules      text COLLATE "C",
  -- The lane's health.
  failing_since   bigint,
  trips           bigint NOT NULL,
  open_until      bigint,
  hold_until      bigint,
  health_version  bigint NOT NULL,
  created_at      bigint NOT NULL,
  updated_at      bigint NOT NULL,
  version         bigint NOT NULL,
  removed_at      bigint,
  -- Set while deliveries of a removed webhook are still to be cancelled.
  emptying        smallint NOT NULL DEFAULT 0,
  -- A JSON array of sealed secrets in base64, and what the caller asked for, as JSON.
  secrets         text NOT NULL,
  spec            text NOT NULL,
  filter_failures bigint NOT NULL,
  waiting_max     bigint,
  drop_newest     smallint NOT NULL,
  credentials     bytea,
  secrets_end_at  bigint,
  compatibility_secret text,
  -- Whether the certificate of its destination is not verified.
  unverified      smallint NOT NULL DEFAULT 0,
  -- What its destination has said to whether it wants to be sent to, as JSON; NULL for one that is not asked. When it is
  -- asked next, and the version with which the question began anew.
  consent         text,
  consent_due_at  bigint,
  consent_since   bigint NOT NULL DEFAULT 0,
  xid             xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE UNIQUE INDEX webhooks_id ON webhooks (id);
-- A name and a destination can be longer together than an entry of an index; two hashes are 128 bits.
CREATE UNIQUE INDEX webhooks_name
  ON webhooks (namespace, name, hashtextextended(destination, 0), hashtextextended(destination, 1))
  WHERE removed_at IS NULL;
CREATE UNIQUE INDEX webhooks_caller ON webhooks (namespace, caller_id)
  WHERE caller_id IS NOT NULL AND removed_at IS NULL;
CREATE INDEX webhooks_namespace ON webhooks (namespace, id) WHERE removed_at IS NULL;
CREATE INDEX webhooks_by_name ON webhooks (namespace, name, id) WHERE removed_at IS NULL;
CREATE INDEX webhooks_run ON webhooks (run_due_at, id) INCLUDE (moved_at, zone_rules)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL;
CREATE INDEX webhooks_over ON webhooks (moved_at, id)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NULL;
CREATE INDEX webhooks_removed ON webhooks (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX webhooks_left ON webhooks (namespace) WHERE removed_at IS NOT NULL;
CREATE INDEX webhooks_secrets_end ON webhooks (secrets_end_at) WHERE secrets_end_at IS NOT NULL;
CREATE INDEX webhooks_unsealed ON webhooks (id) WHERE length(credentials) = 0;
CREATE INDEX webhooks_unverified ON webhooks (id) WHERE unverified = 1 AND removed_at IS NULL;
CREATE INDEX webhooks_to_ask ON webhooks (consent_due_at)
  WHERE consent_due_at IS NOT NULL AND state = 'ACTIVE' AND removed_at IS NULL;
CREATE INDEX webhooks_new ON webhooks (xid);

-- Raised with each change of a webhook of a namespace, so that a publisher can say by which state it matched.
CREATE TABLE catalog (
  namespace text COLLATE "C" PRIMARY KEY,
  version   bigint NOT NULL
);

-- What webhooks asked for: a row for each of their event types.
CREATE TABLE subscriptions (
  namespace  text COLLATE "C" NOT NULL,
  pattern    text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (namespace, pattern, webhook_id)
);

CREATE SEQUENCE event_keys;

CREATE TABLE events (
  key          bigint PRIMARY KEY DEFAULT nextval('event_keys'),
  id           text COLLATE "C" NOT NULL,
  caller_id    text COLLATE "C",
  namespace    text COLLATE "C" NOT NULL,
  type         text COLLATE "C" NOT NULL,
  source       text,
  subject      text,
  time         bigint NOT NULL,
  nominal_at   bigint,
  content_type text NOT NULL,
  -- JSON objects; NULL is an empty one.
  headers      text,
  extensions   text,
  created_at   bigint NOT NULL,
  -- NULL once it was erased.
  body         bytea,
  -- Its caller's id names another event: only of what was taken over from an old database.
  shadowed     smallint NOT NULL DEFAULT 0,
  -- Of an event with a caller's id: what the same id is compared with, and until when.
  digest       text,
  known_until  bigint,
  -- The deliveries that were made of it when it came in.
  made         bigint NOT NULL,
  -- Deliveries of it that are still kept, waiting or finished; it is deleted with the last.
  deliveries   bigint NOT NULL
);
-- Compressed bodies are compared and sent no faster.
ALTER TABLE events ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_namespace ON events (namespace, id);
CREATE INDEX events_unheard ON events (created_at, key) WHERE deliveries = 0;
CREATE INDEX events_data ON events (created_at, key) WHERE body IS NOT NULL;

-- The ids that callers gave to events. Each names one event for as long as that is kept, and stays taken until
-- `known_until` if that is later.
CREATE TABLE event_ids (
  namespace   text COLLATE "C" NOT NULL,
  id          text COLLATE "C" NOT NULL,
  -- The key of the event; NULL once it is no longer kept. Then the rest stands here, to answer its publisher.
  event       bigint,
  event_id    text COLLATE "C",
  digest      text,
  known_until bigint,
  made        bigint,
  PRIMARY KEY (namespace, id)
);

CREATE INDEX event_ids_left ON event_ids (known_until) WHERE event IS NULL;

CREATE SEQUENCE ords;

-- What is not finished. `xid` is of the transaction by which whoever owns the lane must hear of the row anew.
CREATE TABLE waiting (
  id              text COLLATE "C" PRIMARY KEY,
  ord             bigint NOT NULL DEFAULT nextval('ords'),
  namespace       text COLLATE "C" NOT NULL,
  webhook         bigint NOT NULL,
  event           bigint NOT NULL,
  -- The event's, so that what is listed by it need not look there.
  type            text COLLATE "C" NOT NULL,
  due_at          bigint NOT NULL,
  -- When it first became due, which is its place in an ordered lane.
  first_due_at    bigint NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  attempts_before integer NOT NULL DEFAULT 0,
  run             smallint NOT NULL,
  turn            smallint NOT NULL,
  -- Why it is to be given up; 0 when it is not.
  ending          smallint NOT NULL DEFAULT 0,
  format          smallint NOT NULL,
  rendered        smallint NOT NULL,
  -- The status code of the last answer; 0 when there was none.
  last_status     smallint NOT NULL DEFAULT 0,
  -- Not NULL when it is a replay, and empty when there was nothing to repeat.
  replay_of       text COLLATE "C",
  created_at      bigint NOT NULL,
  shard           smallint NOT NULL,
  xid             xid8 NOT NULL DEFAULT pg_current_xact_id()
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000,
  -- To cut the table would lock everybody out.
  autovacuum_vacuum_cost_delay = 2, vacuum_truncate = off);

CREATE INDEX waiting_due ON waiting (webhook, due_at, ord);
CREATE INDEX waiting_place ON waiting (webhook, first_due_at, ord);
CREATE INDEX waiting_new ON waiting (xid, shard, ord);
CREATE INDEX waiting_event ON waiting (event);
-- Runs take turns; what is to be given up is looked for at a start: few rows at any time.
CREATE INDEX waiting_runs ON waiting (webhook, run, first_due_at, ord) WHERE run > 0;
CREATE INDEX waiting_ending ON waiting (ord) WHERE ending > 0;

-- What is finished. State 1 is SUCCEEDED, 2 FAILED, 3 CANCELLED.
CREATE TABLE history (
  id              text COLLATE "C" PRIMARY KEY,
  ord             bigint NOT NULL,
  namespace       text COLLATE "C" NOT NULL,
  webhook         bigint NOT NULL,
  event           bigint NOT NULL,
  type            text COLLATE "C" NOT NULL,
  due_at          bigint NOT NULL,
  first_due_at    bigint NOT NULL,
  attempts        integer NOT NULL,
  attempts_before integer NOT NULL,
  run             smallint NOT NULL,
  turn            smallint NOT NULL,
  format          smallint NOT NULL,
  rendered        smallint NOT NULL,
  last_status     smallint NOT NULL,
  replay_of       text COLLATE "C",
  created_at      bigint NOT NULL,
  state           smallint NOT NULL,
  reason          smallint NOT NULL,
  -- Why it is FAILED, in words, where no attempt shows it.
  message         text,
  finished_at     bigint NOT NULL,
  -- The latest row about it in the journal.
  journal         bigint
);

CREATE INDEX history_namespace ON history (namespace, id);
CREATE INDEX history_webhook ON history (webhook, id);
CREATE INDEX history_event ON history (event);
CREATE INDEX history_finished ON history (finished_at, id);
CREATE INDEX history_namespace_lost ON history (namespace, id) WHERE state > 1;
CREATE INDEX history_webhook_lost ON history (webhook, id) WHERE state > 1;

-- Each delivery is in one of the two.
CREATE VIEW deliveries AS
  SELECT id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before, run, turn, ending,
    format, rendered, last_status, replay_of, created_at, 0::smallint AS state, 0::smallint AS reason,
    NULL::text AS message, NULL::bigint AS finished_at, NULL::bigint AS journal
  FROM waiting
  UNION ALL
  SELECT id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before, run, turn,
    0::smallint, format, rendered, last_status, replay_of, created_at, state, reason, message, finished_at, journal
  FROM history;

-- What templates made for a delivery. Headers are a JSON object.
CREATE TABLE renderings (
  id           text COLLATE "C" PRIMARY KEY,
  headers      text NOT NULL,
  content_type text,
  body         bytea
);

-- What happened to deliveries, in the order in which it became durable: each attempt, and each change without one.
CREATE TABLE journal (
  seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery  text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  webhook   bigint NOT NULL,
  -- The delivery as it was then; `at` is when it was due or finished.
  state     smallint NOT NULL,
  reason    smallint NOT NULL,
  at        bigint NOT NULL,
  attempts  integer NOT NULL,
  status    smallint NOT NULL,
  -- Of an attempt: its number, what is known of it, the headers that were sent and received, the body of the answer.
  number    integer,
  facts     text,
  headers   text,
  body      bytea
);

CREATE INDEX journal_delivery ON journal (delivery, seq);

-- The last row that was deleted: what follows it is whole. Rows that were deleted with a namespace are apart: whoever
-- follows another misses nothing.
CREATE TABLE journal_kept (after bigint NOT NULL, ended bigint NOT NULL);
INSERT INTO journal_kept (after, ended) VALUES (0, 0);

-- The last attempt for each webhook. Entered many at a time, so the latest may be missing: they are in the journal after
-- `upto`.
CREATE TABLE last_attempts (
  webhook  bigint PRIMARY KEY,
  delivery text COLLATE "C" NOT NULL,
  at       bigint NOT NULL,
  status   smallint NOT NULL
);
CREATE TABLE last_attempts_entered (upto bigint NOT NULL);
INSERT INTO last_attempts_entered (upto) VALUES (0);

-- Calls that have a name of their caller's, so that they can be made again without being done twice.
CREATE TABLE requests (
  namespace   text COLLATE "C" NOT NULL,
  id          text COLLATE "C" NOT NULL,
  -- Of what was asked for.
  digest      text NOT NULL,
  claimed_at  bigint NOT NULL,
  known_until bigint NOT NULL,
  -- Sealed. NULL until there is one: the call is under way, or it is not known how far it came.
  answer      bytea,
  PRIMARY KEY (namespace, id)
);

CREATE INDEX requests_over ON requests (known_until);

-- How many of them there are in a namespace, and how many bytes of answers.
CREATE TABLE request_totals (
  namespace text COLLATE "C" PRIMARY KEY,
  count     bigint NOT NULL,
  bytes     bigint NOT NULL
);

-- Keys of callers. The key itself is nowhere: `hash` is SHA-256 of it, and `prefix` how it begins. Null for the
-- namespace is all of them. `change` counts the changes of all keys, so that servers learn of those they do not know.
CREATE TABLE api_keys (
  id               text COLLATE "C" PRIMARY KEY,
  hash             text COLLATE "C" NOT NULL UNIQUE,
  prefix           text NOT NULL,
  namespace        text COLLATE "C",
  role             text NOT NULL,
  note             text NOT NULL,
  calls_per_second bigint NOT NULL,
  created_at       bigint NOT NULL,
  expires_at       bigint,
  revoked_at       bigint,
  last_used_at     bigint,
  change           bigint NOT NULL UNIQUE
);

-- No number comes again, though the row that had the last may be deleted.
CREATE SEQUENCE key_changes;

-- Tenants, and their quotas: NULL where nothing was asked for. One that is DELETING goes with the last row of what it
-- owns.
CREATE TABLE namespaces (
  name              text COLLATE "C" PRIMARY KEY,
  state             text COLLATE "C" NOT NULL,
  webhooks_max      bigint,
  waiting_max       bigint,
  lane_waiting_max  bigint,
  publish_rate      double precision,
  publish_burst     bigint,
  payload_bytes_max bigint,
  created_at        bigint NOT NULL,
  updated_at        bigint NOT NULL,
  version           bigint NOT NULL
);

CREATE INDEX namespaces_deleting ON namespaces (name) WHERE state = 'DELETING';

INSERT INTO namespaces (name, state, created_at, updated_at, version) VALUES ('default', 'ACTIVE', 0, 0, 1);

-- What callers changed: who, what, when and from where, in ids and names of fields. An entry is of one call in one
-- namespace; null for the namespace is none. `changes` has the first of them in JSON, and `change_count` counts all.
-- Ids grow with time, which is what entries are listed and swept by.
CREATE TABLE audit_entries (
  id           text COLLATE "C" PRIMARY KEY,
  namespace    text COLLATE "C",
  at           bigint NOT NULL,
  method       text NOT NULL,
  caller_kind  text NOT NULL,
  caller       text NOT NULL,
  address      text NOT NULL,
  request_id   text NOT NULL,
  outcome      text NOT NULL,
  reason       text NOT NULL,
  changes      text NOT NULL,
  change_count bigint NOT NULL
);

CREATE INDEX audit_entries_namespace ON audit_entries (namespace, id);

-- The Ed25519 keys by which namespaces sign, their private parts sealed.
CREATE TABLE namespace_keys (
  namespace  text COLLATE "C" PRIMARY KEY,
  -- The thumbprint of the public part.
  id         text NOT NULL,
  public_key bytea NOT NULL,
  sealed     bytea NOT NULL,
  created_at bigint NOT NULL
);

-- The keys by which something here may be sealed, by their ids. A key that is not noted sealed nothing.
CREATE TABLE seal_keys (
  id       text COLLATE "C" PRIMARY KEY,
  -- Since when.
  used_at  bigint NOT NULL,
  -- When all that is sealed was sealed by it, and nothing by another; NULL where that was never so.
  alone_at bigint
);

-- When a server was last known to work on this database, to the minute.
CREATE TABLE alive (at bigint NOT NULL);
