import { flagValue } from './command.ts';
import { type Job, webhookId } from './shown.ts';
import { readWord, timeJson } from './values.ts';

/** The filter of the API that the options amount to. */
export async function whichDeliveries(
  job: Pick<Job, 'invocation' | 'connection' | 'world'>,
): Promise<string> {
  const { invocation, world } = job;
  const given = (flag: string) => flagValue(invocation, flag);
  const parts: string[] = [];
  const [webhook, state, since, until] = ['--webhook', '--state', '--since', '--until'].map(given);
  if (webhook !== undefined) parts.push(`webhook_id = ${quoted(await webhookId(job, webhook))}`);
  if (state !== undefined) parts.push(`state = ${readWord('--state', state, STATES, '')}`);
  for (const [flag, field] of EQUALLED) {
    const value = given(flag);
    if (value !== undefined) parts.push(`${field} = ${quoted(value)}`);
  }
  if (since !== undefined) parts.push(`create_time >= ${timeJson('--since', since, world.now(), 'ago')}`);
  if (until !== undefined) parts.push(`create_time < ${timeJson('--until', until, world.now(), 'ago')}`);
  // Last, so that the places that its mistakes are named by are near those that were written.
  const filter = given('--filter')?.trim();
  if (filter !== undefined && filter !== '') parts.push(filter);
  return parts.join(' AND ');
}

const STATES = ['pending', 'succeeded', 'failed', 'cancelled'];
const EQUALLED = [
  ['--event', 'event_id'],
  ['--type', 'event_type'],
  ['--status', 'last_response_status'],
] as const;

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
