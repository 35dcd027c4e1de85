-- Whether the certificate of its destination is not verified, so that a start need not read every webhook to say so.
ALTER TABLE webhooks ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0;

CREATE INDEX webhooks_unverified ON webhooks (id) WHERE unverified = 1 AND removed_at IS NULL;
