-- oldest: 1
-- Settings by which the servers that work on this schema must agree, since they decide what its rows mean.
CREATE TABLE settings (
  name  text COLLATE "C" PRIMARY KEY,
  value text NOT NULL
);
