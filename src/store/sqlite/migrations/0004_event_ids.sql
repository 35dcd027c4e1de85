-- The ids that callers gave to events. Each names one event for as long as that is kept, and stays taken until
-- `known_until` if that is later.
CREATE TABLE event_ids (
  namespace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  -- The key of the event; NULL once it is no longer kept. Then the rest stands here, to answer its publisher.
  event       INTEGER,
  event_id    TEXT,
  digest      TEXT,
  known_until INTEGER,
  made        INTEGER,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_ids_left ON event_ids (known_until) WHERE event IS NULL;

-- Until now an id could be given again once it had been forgotten, and the id of an event without a caller's id
-- could be given to another. Of such events one keeps the id: the one that it was made for, else the latest.
-- The others are known by the ids that Carillon made for them.
ALTER TABLE events ADD COLUMN shadowed INTEGER NOT NULL DEFAULT 0;

INSERT INTO event_ids (namespace, id, event)
SELECT namespace, caller_id, max(key) FROM events
WHERE caller_id IS NOT NULL
  AND NOT (caller_id GLOB 'evt_*' AND EXISTS (
    SELECT 1 FROM events AS own WHERE own.id = events.caller_id AND own.namespace = events.namespace))
GROUP BY namespace, caller_id;

UPDATE events SET shadowed = 1 WHERE key IN (
  SELECT e.key
  FROM (
    SELECT namespace, caller_id FROM events WHERE caller_id IS NOT NULL
    GROUP BY namespace, caller_id HAVING count(*) > 1 OR caller_id GLOB 'evt_*') AS doubtful
  JOIN events AS e ON e.namespace = doubtful.namespace AND e.caller_id = doubtful.caller_id
  LEFT JOIN event_ids AS n ON n.namespace = e.namespace AND n.id = e.caller_id
  WHERE e.caller_id IS NOT NULL AND n.event IS NOT e.key);

DROP INDEX events_caller;
