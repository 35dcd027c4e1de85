-- What a webhook shows its destination to be let in, sealed; NULL for none. Until now values of headers stood in the
-- clear in `spec`. Where that is so it is empty: a server, which has the key, seals them when it opens the store.
ALTER TABLE webhooks ADD COLUMN credentials BLOB;
UPDATE webhooks SET credentials = x''
WHERE EXISTS (SELECT 1 FROM json_each(spec, '$.headers') WHERE is_secret_header(key));
CREATE INDEX webhooks_unsealed ON webhooks (id) WHERE credentials = x'';

-- Attempts were recorded with them. SQLite overwrites what it replaces then, instead of only letting go of it.
PRAGMA secure_delete = ON;
UPDATE journal SET headers = masked_headers(headers)
WHERE headers IS NOT NULL AND headers <> masked_headers(headers);
PRAGMA secure_delete = OFF;
