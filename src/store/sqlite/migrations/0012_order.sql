-- When a delivery first became due, which is its place in an ordered lane: a retry moves due_at and leaves this.
-- 0 in what was finished before there was such a column; it has its place by created_at if it is sent again.
ALTER TABLE deliveries ADD COLUMN first_due_at INTEGER NOT NULL DEFAULT 0;

-- Of what was tried already nobody knows any more when it was to be sent first. Nor of runs that had to wait for
-- their turn, none of which may have its place before one that it waits for.
UPDATE deliveries SET first_due_at = iif(attempts = 0, due_at, created_at) WHERE state = 0 AND run = 0;
UPDATE deliveries SET first_due_at = turns.at
FROM (
  SELECT ord, max(created_at) OVER (PARTITION BY webhook, run ORDER BY ord) AS at
  FROM deliveries WHERE state = 0 AND run <> 0) AS turns
WHERE deliveries.ord = turns.ord;

-- What waits, by its place in its lane; apart for each queue of runs. It takes no index more: this one grows at
-- the end of its lane with each delivery that is not delayed, as it did before.
DROP INDEX deliveries_lane;
CREATE INDEX deliveries_lane ON deliveries (webhook, run, first_due_at) WHERE state = 0;
