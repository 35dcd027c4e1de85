-- Until when the destination asked to be left alone (Retry-After).
ALTER TABLE webhooks ADD COLUMN hold_until INTEGER;
-- The version with which the health began anew: attempts made for an earlier one say nothing about it.
ALTER TABLE webhooks ADD COLUMN health_version INTEGER NOT NULL DEFAULT 0;

-- When a server was last known to work on this database, to the minute.
CREATE TABLE alive (at INTEGER NOT NULL) STRICT;
