-- The last attempt for each webhook: its row in the journal, when it began, and the status code of the answer, 0 when
-- there was none. Entered many at a time, so the latest may be missing: they are in the journal after `upto`.
CREATE TABLE last_attempts (
  webhook INTEGER NOT NULL PRIMARY KEY,
  seq     INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  status  INTEGER NOT NULL
) STRICT;

CREATE TABLE last_attempts_entered (upto INTEGER NOT NULL) STRICT;
INSERT INTO last_attempts_entered VALUES (0);
