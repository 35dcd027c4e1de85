-- What is finished, and what happened, lies in a table for each day (UTC), so that a day of which nothing is kept any
-- more goes as a whole. `apart` says where a row lies: 0 in the table of the day in which its delivery was made, 1 with
-- the rest, which is deleted row by row: what was finished on a later day, and days without a table. No day has a
-- default partition: a table cannot be detached beside one without locking everybody out.

-- Days that have tables. State 0 takes rows; 1 is to go, and takes none; 2 has nothing that is kept; 3 is detached, and
-- what hangs on its deliveries is deleted; 4 can be dropped. `place` is the last delivery that was looked at in its state.
CREATE TABLE days (
  day   integer PRIMARY KEY,
  state smallint NOT NULL DEFAULT 0,
  place text COLLATE "C" NOT NULL DEFAULT ''
);

DROP VIEW deliveries;

ALTER TABLE history RENAME TO history_rest;
ALTER TABLE history_rest DROP CONSTRAINT history_pkey, ADD COLUMN apart smallint NOT NULL DEFAULT 1;
ALTER TABLE history_rest ALTER COLUMN apart DROP DEFAULT, ADD PRIMARY KEY (id, apart);
ALTER INDEX history_namespace RENAME TO history_rest_namespace;
ALTER INDEX history_webhook RENAME TO history_rest_webhook;
ALTER INDEX history_event RENAME TO history_rest_event;
ALTER INDEX history_finished RENAME TO history_rest_finished;
ALTER INDEX history_namespace_lost RENAME TO history_rest_namespace_lost;
ALTER INDEX history_webhook_lost RENAME TO history_rest_webhook_lost;

CREATE TABLE history (LIKE history_rest, PRIMARY KEY (id, apart)) PARTITION BY LIST (apart);
CREATE INDEX history_namespace ON history (namespace, id);
CREATE INDEX history_webhook ON history (webhook, id);
CREATE INDEX history_event ON history (event);
CREATE INDEX history_finished ON history (finished_at, id);
CREATE INDEX history_namespace_lost ON history (namespace, id) WHERE state > 1;
CREATE INDEX history_webhook_lost ON history (webhook, id) WHERE state > 1;
CREATE TABLE history_days PARTITION OF history FOR VALUES IN (0) PARTITION BY RANGE (id);
ALTER TABLE history ATTACH PARTITION history_rest FOR VALUES IN (1);

CREATE VIEW deliveries AS
  SELECT id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before, run, turn, ending,
    format, rendered, last_status, replay_of, created_at, 0::smallint AS state, 0::smallint AS reason,
    NULL::text AS message, NULL::bigint AS finished_at, NULL::bigint AS journal
  FROM waiting
  UNION ALL
  SELECT id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before, run, turn,
    0::smallint, format, rendered, last_status, replay_of, created_at, state, reason, message, finished_at, journal
  FROM history;

-- A partition has no identity column before PostgreSQL 17. No number comes again.
CREATE SEQUENCE journal_seqs;
SELECT setval('journal_seqs', last_value, is_called) FROM journal_seq_seq;

ALTER TABLE journal RENAME TO journal_rest;
ALTER TABLE journal_rest ALTER COLUMN seq DROP IDENTITY, DROP CONSTRAINT journal_pkey,
  ADD COLUMN apart smallint NOT NULL DEFAULT 1;
ALTER TABLE journal_rest ALTER COLUMN apart DROP DEFAULT;
ALTER INDEX journal_delivery RENAME TO journal_rest_delivery;
CREATE INDEX journal_rest_seq ON journal_rest (seq);

CREATE TABLE journal (LIKE journal_rest) PARTITION BY LIST (apart);
ALTER TABLE journal ALTER COLUMN seq SET DEFAULT nextval('journal_seqs');
CREATE INDEX journal_seq ON journal (seq);
CREATE INDEX journal_delivery ON journal (delivery, seq);
CREATE TABLE journal_days PARTITION OF journal FOR VALUES IN (0) PARTITION BY RANGE (delivery);
ALTER TABLE journal ATTACH PARTITION journal_rest FOR VALUES IN (1);
