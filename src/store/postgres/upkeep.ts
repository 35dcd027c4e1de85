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
}

/** Tables in which dead rows can have what was erased. */
const WITH_DATA = ['events', 'history', 'journal', 'renderings', 'requests', 'namespace_keys', 'webhooks'];

/** What is asked while others are served: whether the database is there, and to clear away dead rows. */
export function createUpkeep({ link, context, connect, schema }: UpkeepDeps): ClientDeps['apart'] {
  /** On a connection of its own, since others need not wait for it. */
  async function vacuum(how: string): Promise<boolean> {
    // What is erased meanwhile may be left.
    context.log.holdsErased = false;
    const session = await connect();
    try {
      const db = createDatabase(schema, () => session);
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
        const { rows } = await link
          .session()
          .query("SELECT (current_setting('transaction_read_only') = 'on')::integer", undefined, []);
        const [isReadOnly] = rows[0] as number[];
        return isReadOnly === 1 ? 'the database can only be read' : undefined;
      } catch (error) {
        return `the database cannot be asked: ${messageOf(error)}`;
      }
    },

    emptyLog: async () => !context.log.holdsErased || vacuum('(TRUNCATE false)'),
    rewrite: () => vacuum('FULL'),
  };
}
