import { flagValue } from '../command.ts';
import { allOf, exactly, quoted } from '../filter.ts';
import { type Job, webhookId } from '../job.ts';
import { rangeJson, readWord } from '../values.ts';

/** The filter of the API that the options amount to, with what else has to be true. */
export async function whichDeliveries(
  job: Pick<Job, 'invocation' | 'connection' | 'world'>,
  more: readonly string[] = [],
): Promise<string> {
  const { invocation, world } = job;
  const given = (flag: string) => flagValue(invocation, flag);
  const parts: string[] = [];
  const [webhook, state] = ['--webhook', '--state'].map(given);
  const { since, until } = rangeJson(invocation, world.now());
  if (webhook !== undefined) parts.push(`webhook_id = ${exactly(await webhookId(job, webhook))}`);
  if (state !== undefined) parts.push(`state = ${readWord('--state', state, STATES, '')}`);
  for (const [flag, field] of EQUALLED) {
    const value = given(flag);
    if (value !== undefined)
      parts.push(`${field} = ${field === 'event_id' ? exactly(value) : quoted(value)}`);
  }
  if (since !== undefined) parts.push(`create_time >= ${since}`);
  if (until !== undefined) parts.push(`create_time < ${until}`);
  return allOf([...parts, ...more], invocation);
}

const STATES = ['pending', 'succeeded', 'failed', 'cancelled'];
const EQUALLED = [
  ['--event', 'event_id'],
  ['--type', 'event_type'],
  ['--status', 'last_response_status'],
] as const;
