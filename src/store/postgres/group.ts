import type { Answer, Args, Verb } from '../calls/shapes.ts';
import { READS } from '../calls/shapes.ts';
import { isConflict, isTrouble, messageOf } from './connection/driver.ts';
import type { Database } from './database.ts';
import type { Enter } from './entering.ts';
import type { Call, InOrder, Reply, Together, Verbs } from './protocol.ts';

/** What is kept in memory of the database. */
export interface Memory {
  /** A transaction begins. */
  readonly begin: () => void;
  /** Takes back what was noted in the transaction. */
  readonly undo: () => void;
  /** Reads everything again that was forgotten, or changed behind our back. */
  readonly refresh: () => Promise<void>;
}

/** The connection was lost while calls were run. */
export class Lost extends Error {
  /** Replies to the first of the calls, which were committed before. */
  readonly done: readonly Reply[];
  /** The transaction that was being committed, with the replies if it was. Of the others nothing was written. */
  readonly doubtful: Doubtful | undefined;
  constructor(cause: unknown, done: readonly Reply[], doubtful?: Doubtful) {
    super('the connection to the database was lost', { cause });
    this.done = done;
    this.doubtful = doubtful;
  }
}

export interface Doubtful {
  readonly number: number;
  readonly replies: readonly Reply[];
}

export interface GroupDeps {
  readonly db: Database;
  /** This start of this process. */
  readonly node: string;
  readonly verbs: Verbs;
  readonly together: Together;
  readonly memory: Memory;
  /** Enters what calls changed in the audit log. */
  readonly enter: Enter;
  readonly isLost: () => boolean;
  /** How commits are made: no less durable than `on`. */
  readonly durability: string;
}

export interface Group {
  /** Runs calls in one transaction, and returns their replies once it is committed. Raises `Lost`. */
  readonly run: (calls: readonly Call[]) => Promise<Reply[]>;
  /** Whether a transaction was committed over which the connection was lost. */
  readonly wasCommitted: (number: number) => Promise<boolean>;
}

/** How often the same is tried that came into conflict with others. */
const TRIES_MAX = 5;

export function createGroup(deps: GroupDeps): Group {
  const { db, node, verbs, together, memory, enter, isLost, durability } = deps;
  // By inserting, and not by changing one row: an old transaction elsewhere would make a chain of its versions.
  const mark = db.prepare(`
    WITH before AS (DELETE FROM @commits WHERE node = ?1 AND number = ?2::bigint - 1)
    INSERT INTO @commits (node, number) VALUES (?1, ?2::bigint)`);
  const touch = db.prepare('UPDATE @commits SET number = number WHERE node = ? AND number = ?');
  const begin = `BEGIN; SET LOCAL synchronous_commit = ${durability}`;
  let numbers = 0;

  async function transaction(calls: readonly Call[]): Promise<Reply[]> {
    await refresh();
    try {
      const begun = db.exec(begin);
      // It is answered first of all: what makes it fail makes all fail that follows.
      begun.catch(() => {});
      memory.begin();
      return await commit(await enter(calls, await runAll(calls)));
    } catch (error) {
      memory.undo();
      if (error instanceof Lost) throw error;
      if (!isLost()) await db.exec('ROLLBACK').catch(() => {});
      throw isLost() ? new Lost(error, []) : error;
    }
  }

  async function refresh(): Promise<void> {
    try {
      await memory.refresh();
    } catch (error) {
      throw isLost() ? new Lost(error, []) : error;
    }
  }

  async function commit(replies: readonly Reply[]): Promise<Reply[]> {
    const number = numbers + 1;
    const marked = mark.run(node, number);
    const committed = db.exec('COMMIT');
    // The mark fails only where the transaction has failed, which the commit takes back then.
    committed.catch(() => {});
    try {
      await marked;
      await committed;
      numbers = number;
      return [...replies];
    } catch (error) {
      throw isLost() ? new Lost(error, [], { number, replies }) : error;
    }
  }

  async function runAll(calls: readonly Call[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    for (let next = 0; next < calls.length; ) {
      const [verb] = calls[next]!;
      let end = next + 1;
      if (together[verb] !== undefined) while (calls[end]?.[0] === verb) end++;
      const answers = await runSame(verb, calls.slice(next, end));
      for (const answer of answers) replies.push({ ok: true, answer });
      next = end;
    }
    return replies;
  }

  async function runSame<V extends InOrder>(verb: V, calls: readonly Call[]): Promise<Answer<Verb>[]> {
    // All of them are calls of this verb.
    const args = calls.map(([, each]) => each as Args<V>);
    const many = together[verb];
    return many === undefined ? [await verbs[verb](args[0]!)] : many(args);
  }

  async function read([verb, args]: Call): Promise<Reply> {
    try {
      return { ok: true, answer: await runVerb(verb, args) };
    } catch (error) {
      if (isLost()) throw new Lost(error, []);
      return failure(error);
    }
  }

  function runVerb<V extends InOrder>(verb: V, args: Args<V>): Promise<Answer<V>> {
    return verbs[verb](args);
  }

  async function write(calls: readonly Call[]): Promise<Reply[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await transaction(calls);
      } catch (error) {
        if (error instanceof Lost) throw error;
        if (isConflict(error) && tries < TRIES_MAX) continue;
        if (calls.length === 1) return [failure(error)];
        break;
      }
    }
    // One that fails takes no other with it.
    const replies: Reply[] = [];
    for (const call of calls) {
      try {
        replies.push(...(await write([call])));
      } catch (error) {
        throw error instanceof Lost ? new Lost(error.cause, replies, error.doubtful) : error;
      }
    }
    return replies;
  }

  return {
    async run(calls) {
      if (!calls.every(([verb]) => READS.has(verb))) return write(calls);
      await refresh();
      return Promise.all(calls.map(read));
    },
    async wasCommitted(number) {
      // What can be seen after a crash, or after a session was ended that waited for a standby, need not be there yet:
      // this commit comes after that one, and waits for the standby as well.
      const begun = db.exec(begin);
      begun.catch(() => {});
      const was = (await touch.run(node, number)) > 0;
      await db.exec('COMMIT');
      if (was) numbers = number;
      return was;
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function failure(error: unknown): Reply {
  return { ok: false, kind: isTrouble(error) ? 'UNAVAILABLE' : 'FAULT', message: messageOf(error) };
}
