import { Code, ConnectError } from '@connectrpc/connect';
import type { Connection } from '../connect.ts';
import type { Change } from './plan.ts';

/** What became of a change. */
export interface Outcome {
  readonly change: Change;
  /** The id of the webhook, which a server may have made. */
  readonly id: string;
  /** The secret of a webhook that is new, which is never shown again. */
  readonly secret: string;
  /** Why it was not made. */
  readonly failure?: ConnectError;
}

/** What concerns one webhook, and not the others. */
const OF_ONE: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.AlreadyExists,
  Code.NotFound,
  Code.Aborted,
  Code.FailedPrecondition,
]);

/**
 * Makes changes, one after the other, and tells what became of each. One that somebody else has overtaken fails,
 * and the others go on; what concerns all of them is raised.
 */
export async function carryOut(
  connection: Connection,
  changes: readonly Change[],
  tell: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const change of changes) {
    const outcome = await make(connection, change);
    tell(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

async function make({ webhooks }: Connection, change: Change): Promise<Outcome> {
  const { id, namespace, etag } = change.action === 'remove' ? change.webhook : change.request;
  try {
    if (change.action === 'remove') {
      await webhooks.remove({ id, namespace, etag });
      return { change, id, secret: '' };
    }
    const { webhook, secret } = await webhooks.register({ webhook: change.request });
    return { change, id: webhook?.id ?? id, secret };
  } catch (error) {
    if (error instanceof ConnectError && OF_ONE.has(error.code))
      return { change, id, secret: '', failure: error };
    throw error;
  }
}
