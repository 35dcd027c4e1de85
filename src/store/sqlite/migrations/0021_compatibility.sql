-- The secret of a webhook's compatibility signature, sealed, in base64.
ALTER TABLE webhooks ADD COLUMN compatibility_secret TEXT;
