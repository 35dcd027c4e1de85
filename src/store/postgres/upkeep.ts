import type { ClientDeps } from './client.ts';
import type { Context } from './context.ts';
import { createDatabase } from './database.ts';
import { messageOf, type Session } from './driver.ts';
import type { Link } from './link.ts';

export interface UpkeepDeps {
  readonly link: Link;
  readonly context: Pick<Context, 'log'>;
  readonly connect: () => Promise<Session>;
  readonly schema: string;
  /** How long the database may take to say that it is there. */
  readonly patienceMs: number;
}

/** Tables in which dead rows can have what was erased. */
const WITH_DATA = ['events', 'history', 'journal', 'renderings', 'requests', 'namespace_keys', 'webhooks'];

/** What is asked while others are served: whether the database is there, and to clear away dead rows. */
export function createUpkeep({
  link,
  context,
  connect,
  schema,
  patienceMs,
}: UpkeepDeps): ClientDeps['apart'] {
  /** On a connection of its own, since others need not wait for it. */
  async function vacuum(how: string): Promise<boolean> {
    // What is erased meanwhile may be left.
    context.log.holdsErased = false;
    const session = await connect();
    try {
      const db = createDatabase(schema, () => session);
      // An operator's bound on statements is for those of every day.
      await db.exec('SET statement_timeout = 0');
      for (const table of WITH_DATA) await db.exec(`VACUUM ${how} @${table}`);
      return true;
    } catch (error) {
      context.log.holdsErased = true;
      throw error;
    } finally {
      await session.close();
    }
  }

  return {
    async checkUp() {
      if (!link.isUp()) return `the database cannot be reached: ${messageOf(link.trouble())}`;
      try {
        const isReadOnly = await Promise.race([asked(link.session()), patience(patienceMs)]);
        if (isReadOnly === undefined) return `the database has not answered for ${patienceMs} ms`;
        if (!isReadOnly) return undefined;
        // Another server may be the primary by now.
        link.session().abandon();
        return 'the database can only be read';
      } catch (error) {
        return `the database cannot be asked: ${messageOf(error)}`;
      }
    },

    emptyLog: async () => !context.log.holdsErased || vacuum('(TRUNCATE false)'),
    rewrite: () => vacuum('FULL'),
  };
}

/** Whether the database can only be read. */
async function asked(session: Session): Promise<boolean> {
  const { rows } = await session.query(
    "SELECT (current_setting('transaction_read_only') = 'on')::integer",
    undefined,
    [],
  );
  return (rows[0] as number[])[0] === 1;
}

function patience(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(resolve, ms, undefined).unref());
}
