-- What a run that takes turns does to the one before it: 0 nothing, 1 it takes its place once that was attempted in
-- vain, 2 so too, and none takes its own place before it was attempted.
ALTER TABLE deliveries ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
