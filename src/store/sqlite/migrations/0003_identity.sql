-- The id that a caller gave to a webhook. That of a removed webhook stays, for its deliveries to show.
ALTER TABLE webhooks ADD COLUMN caller_id TEXT;

CREATE UNIQUE INDEX webhooks_caller ON webhooks (namespace, caller_id)
  WHERE caller_id IS NOT NULL AND removed_at IS NULL;
