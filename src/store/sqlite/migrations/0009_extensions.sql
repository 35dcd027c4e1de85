-- Extension attributes of CloudEvents, as JSON; NULL for none.
ALTER TABLE events ADD COLUMN extensions TEXT;
