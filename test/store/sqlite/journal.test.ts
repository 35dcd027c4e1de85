import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext } from '../../../src/store/sqlite/context.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';

test('the end of the journal is taken back with what was written', (t) => {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  const { journal, memory } = createContext(db, { waitingMax: 1, namespaceWaitingMax: 1 });
  const write = (): void => {
    for (let ord = 1; ord <= 3; ord++) journal.settle([ord, '', '', 1, 0, 0, 1, 0, 200, null, 0, null]);
  };
  db.exec('BEGIN');
  memory.begin();
  write();
  db.exec('COMMIT');
  assert.equal(journal.last(), 3);

  db.exec('BEGIN');
  memory.begin();
  write();
  db.exec('ROLLBACK');
  memory.undo(0);
  // A watcher who was told of 6 would miss what comes after the next start, which begins with 4.
  assert.equal(journal.last(), 3);

  db.exec('BEGIN');
  memory.begin();
  db.exec('SAVEPOINT verb');
  write();
  const mark = memory.mark();
  db.exec('SAVEPOINT other');
  write();
  db.exec('ROLLBACK TO other');
  memory.undo(mark);
  assert.equal(journal.last(), 6);
  db.exec('COMMIT');
});
