-- What the clock showed when a run cursor was computed, and by which time zone rules it was: NULL where the schedule
-- needs none, empty where that is not known, as for all that was written before.
ALTER TABLE webhooks ADD COLUMN moved_at INTEGER;
ALTER TABLE webhooks ADD COLUMN zone_rules TEXT DEFAULT '';

-- Both are in the index of runs to come, so that all of these can be looked through without reading the webhooks.
DROP INDEX webhooks_run;
CREATE INDEX webhooks_run ON webhooks (run_due_at, id, moved_at, zone_rules, state, removed_at)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL;
-- Those that have none to come.
CREATE INDEX webhooks_over ON webhooks (moved_at, id)
  WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NULL;
