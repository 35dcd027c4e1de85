-- Calls that have a name of their caller's, so that they can be made again without being done twice.
CREATE TABLE requests (
  namespace   TEXT NOT NULL,
  id          TEXT NOT NULL,
  -- Of what was asked for.
  digest      TEXT NOT NULL,
  claimed_at  INTEGER NOT NULL,
  known_until INTEGER NOT NULL,
  -- Sealed. NULL until there is one: the call is under way, or it is not known how far it came.
  answer      BLOB,
  PRIMARY KEY (namespace, id)
) STRICT;

CREATE INDEX requests_over ON requests (known_until);

-- How many of them there are in a namespace, and how many bytes of answers.
CREATE TABLE request_totals (
  namespace TEXT NOT NULL PRIMARY KEY,
  count     INTEGER NOT NULL,
  bytes     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
