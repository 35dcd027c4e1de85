-- What the destination of a webhook has said to whether it wants to be sent to, as JSON; null for one that is not asked.
ALTER TABLE webhooks ADD COLUMN consent TEXT;
-- When it is asked next.
ALTER TABLE webhooks ADD COLUMN consent_due_at INTEGER;
-- The version of the webhook with which the question began anew.
ALTER TABLE webhooks ADD COLUMN consent_since INTEGER NOT NULL DEFAULT 0;

CREATE INDEX webhooks_to_ask ON webhooks (consent_due_at)
  WHERE consent_due_at IS NOT NULL AND state = 'ACTIVE' AND removed_at IS NULL;
