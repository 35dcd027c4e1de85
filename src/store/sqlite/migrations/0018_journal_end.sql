-- The last row that was deleted with all of a namespace, after which none may have its place: whoever follows other
-- namespaces would miss that one. What they follow is whole all the same, so this is apart from `after`.
ALTER TABLE journal_kept ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
