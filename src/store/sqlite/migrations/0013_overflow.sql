-- How many deliveries may wait for a webhook, where it says so itself, and which are given up beyond that: its
-- oldest, or its newest.
ALTER TABLE webhooks ADD COLUMN waiting_max INTEGER;
ALTER TABLE webhooks ADD COLUMN drop_newest INTEGER NOT NULL DEFAULT 0;
