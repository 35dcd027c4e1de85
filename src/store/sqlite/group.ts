import { type Answer, READS, type Verb } from '../calls/shapes.ts';
import type { Custody } from './custody.ts';
import type { Database } from './database.ts';
import { messageOf } from './driver.ts';
import type { Enter } from './entering.ts';
import { type Call, type Failure, OUTSIDE, type Reply, type Verbs } from './protocol.ts';

/** What is kept in memory of the database, and has to be taken back when a transaction is rolled back. */
export interface Memory {
  /** A transaction begins. */
  readonly begin: () => void;
  /** A place to go back to, in this transaction. */
  readonly mark: () => number;
  /** Takes back everything since the mark, like the database; 0 is the beginning of the transaction. */
  readonly undo: (mark: number) => void;
}

export interface GroupDeps {
  readonly db: Pick<Database, 'exec'>;
  readonly verbs: Verbs;
  readonly memory: Memory;
  readonly isTrouble: (error: unknown) => boolean;
  readonly isDiskFailure: (error: unknown) => boolean;
  readonly custody: Pick<Custody, 'judge' | 'committed' | 'failed'>;
  /** Enters what calls changed in the audit log. */
  readonly enter: Enter;
}

/**
 * Runs calls in one transaction, and returns their replies, in order, once it is committed. A call that
 * fails changes nothing and takes no other with it; when the commit fails, all of them fail.
 *
 * Verbs fail rarely, and a savepoint for each verb copies every page that it changes. So the calls run
 * without savepoints first. Only when one fails, everything is taken back and run again with savepoints.
 */
export function createGroup(deps: GroupDeps): (calls: readonly Call[]) => Reply[] {
  const { db, verbs, memory, custody } = deps;

  function attempt(call: Call): Reply {
    try {
      return { ok: true, answer: runVerb(verbs, call) };
    } catch (error) {
      return { ok: false, failure: failure(error) };
    }
  }

  function attemptOutside(call: Call): Reply {
    try {
      return { ok: true, answer: runVerb(verbs, call) };
    } catch (error) {
      // What `together` says of it holds for a log that is written back, too.
      if (deps.isDiskFailure(error)) throw error;
      return { ok: false, failure: failure(error) };
    }
  }

  function attemptGuarded(call: Call): Reply {
    db.exec('SAVEPOINT verb');
    const mark = memory.mark();
    const reply = attempt(call);
    if (!reply.ok) {
      db.exec('ROLLBACK TO verb');
      memory.undo(mark);
    }
    db.exec('RELEASE verb');
    return reply;
  }

  /** Stops at the first call that fails, if told to: then it takes everything back and returns undefined. */
  function together(
    calls: readonly Call[],
    run: (call: Call) => Reply,
    stopAtFailure: boolean,
  ): Reply[] | undefined {
    db.exec('BEGIN IMMEDIATE');
    memory.begin();
    try {
      const replies: Reply[] = [];
      for (const call of calls) {
        const reply = run(call);
        if (!reply.ok && stopAtFailure) {
          rollback();
          return undefined;
        }
        replies.push(reply);
      }
      const answered = deps.enter(calls, replies);
      db.exec('COMMIT');
      return answered;
    } catch (error) {
      // After a failed write or sync it is not known what is on the disk, and a second sync may succeed
      // without having written it. Only reading the file again, after a restart, can tell.
      if (deps.isDiskFailure(error)) throw error;
      rollback();
      throw error;
    }
  }

  function rollback(): void {
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite has done it by itself: https://www.sqlite.org/lang_transaction.html, "Response To Errors".
    }
    memory.undo(0);
  }

  function failure(error: unknown): Failure {
    custody.failed(error);
    return { kind: deps.isTrouble(error) ? 'UNAVAILABLE' : 'FAULT', message: messageOf(error) };
  }

  function runAll(calls: readonly Call[]): Reply[] {
    if (calls.every(([verb]) => READS.has(verb))) return calls.map(attempt);
    try {
      const replies = together(calls, attempt, true) ?? together(calls, attemptGuarded, false) ?? [];
      const lost = custody.committed();
      return lost === undefined ? replies : replies.map(() => unavailable(lost));
    } catch (error) {
      if (deps.isDiskFailure(error)) throw error;
      return calls.map(() => ({ ok: false, failure: failure(error) }));
    }
  }

  return (calls) => {
    const refusal = custody.judge();
    const replies = runAll(calls.filter(([verb]) => refusal(verb) === undefined && !OUTSIDE.has(verb)));
    let next = 0;
    return calls.map((call) => {
      const why = refusal(call[0]);
      if (why !== undefined) return unavailable(why);
      return OUTSIDE.has(call[0]) ? attemptOutside(call) : replies[next++]!;
    });
  };
}

function unavailable(message: string): Reply {
  return { ok: false, failure: { kind: 'UNAVAILABLE', message } };
}

function runVerb<V extends Verb>(verbs: Verbs, [verb, args]: Call<V>): Answer<V> {
  return verbs[verb](args);
}
