-- The shard of a lane follows from the id of its webhook, which every server knows, and not from the key of its row: it is
-- the last two characters of the id as a number in Crockford's base32, modulo 64.
UPDATE waiting SET shard = ((strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(w.id, length(w.id) - 1, 1)) - 1) * 32
    + strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(w.id, length(w.id), 1)) - 1) % 64
  FROM webhooks AS w
  WHERE w.key = waiting.webhook;
