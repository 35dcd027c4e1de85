-- A signing secret can be replaced by one beside which it signs for a while: so each has an id, and the time at which
-- it ends. Of the ones that are there it is not known when they were made, but for their webhook. An id is sec_ and 26
-- characters, the first ten a time.
UPDATE webhooks SET secrets = (
  SELECT json_group_array(json_object(
    'id', 'sec_' || substr(webhooks.id, 4, 10) || hex(randomblob(8)),
    'sealed', secret.value,
    'createdAt', webhooks.created_at))
  FROM json_each(webhooks.secrets) AS secret);

-- When the first of them ends, to be swept.
ALTER TABLE webhooks ADD COLUMN secrets_end_at INTEGER;
CREATE INDEX webhooks_secrets_end ON webhooks (secrets_end_at) WHERE secrets_end_at IS NOT NULL;
