-- Why the store sends nothing, in one row; none where it sends. `since` is when the copy was made. While an export is being
-- imported, `file` is its digest, and so many of its lines are in.
CREATE TABLE standby (
  one    smallint PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  reason text NOT NULL,
  since  bigint NOT NULL,
  file   text,
  lines  bigint
);
