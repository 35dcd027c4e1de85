import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCustody } from '../../../src/store/sqlite/custody.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { createEnter } from '../../../src/store/sqlite/entering.ts';
import { createGroup } from '../../../src/store/sqlite/group.ts';
import type { Call, Verbs } from '../../../src/store/sqlite/protocol.ts';

/** A group of calls that write a number and remember it, and fail afterwards if it is negative. */
function aGroup() {
  const db = openDatabase(':memory:');
  db.exec('CREATE TABLE numbers (n UNIQUE)');
  const insert = db.prepare('INSERT INTO numbers VALUES (?)');
  const select = db.prepare<[n: number]>('SELECT n FROM numbers ORDER BY rowid');
  const remembered: number[] = [];
  let begin = 0;
  const verbs = {
    sweep([n]: [number]) {
      insert.run(Math.abs(n));
      remembered.push(n);
      if (n < 0) throw new Error(`bad ${n}`);
      return { touched: n, cancelled: 0 };
    },
  };
  const run = createGroup({
    db,
    verbs: verbs as unknown as Verbs,
    memory: {
      begin() {
        begin = remembered.length;
      },
      mark: () => remembered.length - begin,
      undo(mark) {
        remembered.length = begin + mark;
      },
    },
    isTrouble: () => false,
    isDiskFailure: () => false,
    custody: createCustody(db),
    enter: createEnter(db),
  });
  return {
    remembered,
    db,
    run: (...numbers: number[]) => run(numbers.map((n): Call => ['sweep', [n, 0, 0]])),
    stored: () => select.all().map(([n]) => n),
  };
}

describe('what is remembered of the database', () => {
  test('is what is in it, whichever calls of a group failed', () => {
    const { run, stored, remembered } = aGroup();
    run(1, 2);
    run(3, -4, 5);
    run(-6);
    run(7);
    assert.deepEqual(stored(), [1, 2, 3, 5, 7]);
    assert.deepEqual(remembered, stored());
  });

  test('is what is in it, when the commit fails', () => {
    const { run, stored, remembered, db } = aGroup();
    run(1);
    db.exec('PRAGMA foreign_keys = ON');
    db.exec('CREATE TABLE strict (n REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED)');
    db.exec('CREATE TRIGGER bad AFTER INSERT ON numbers BEGIN INSERT INTO strict VALUES (-1); END');
    const [reply] = run(2);
    assert.equal(reply?.ok, false);
    assert.deepEqual(stored(), [1]);
    assert.deepEqual(remembered, [1]);
  });
});
