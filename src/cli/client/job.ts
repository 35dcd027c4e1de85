import { type DescEnum, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { wantsColour } from '../banner.ts';
import type { World } from '../world.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';
import type { Connection } from './connect.ts';
import { exactly } from './filter.ts';
import { styleOf } from './style.ts';
import type { Paper } from './table.ts';
import { rangeJson, readCount } from './values.ts';

/** What a verb works with. */
export interface Job {
  readonly invocation: Invocation;
  readonly connection: Connection;
  readonly world: World;
  readonly paper: Paper;
}

/**
 * Does what a command is for; what it raises is explained by whoever called it. Resolves with the exit code
 * where there is more to say than that it was done.
 */
export type Verb = (job: Job) => Promise<void> | Promise<number>;

/** How many rows a list gives when none are asked for, and at most. */
const LIMIT = 50;
const LIMIT_MAX = 10_000;

export function paperOf(world: World): Paper {
  return { width: world.columns, style: styleOf(wantsColour(world.terminal, world.env)) };
}

/** Prints an answer: as JSON if that is asked for, otherwise as `text` has it. */
export function show<Desc extends DescMessage>(
  { invocation, world }: Pick<Job, 'invocation' | 'world'>,
  schema: Desc,
  message: MessageShape<Desc>,
  text: () => string,
): void {
  world.out(wantsJson(invocation) ? `${JSON.stringify(jsonOf(schema, message), undefined, 2)}\n` : text());
}

/** With every field, so that a script finds what it looks for. */
export function jsonOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): unknown {
  return toJson(schema, message, { alwaysEmitImplicit: true });
}

export function wantsJson(invocation: Pick<Invocation, 'flags'>): boolean {
  return flagValue(invocation, '--json') !== undefined;
}

export function namespaceOf(invocation: Pick<Invocation, 'flags'>): string {
  return flagValue(invocation, '--namespace') ?? '';
}

export interface Gathered<Row> {
  readonly rows: readonly Row[];
  readonly nextPageToken: string;
}

/** Pages from `--page-token` on, until there are as many rows as `--limit` says, and whether there are more. */
export async function gather<Row>(
  invocation: Pick<Invocation, 'flags'>,
  page: (pageSize: number, pageToken: string) => Promise<Gathered<Row>>,
): Promise<Gathered<Row>> {
  const limit = readCount('--limit', flagValue(invocation, '--limit') ?? String(LIMIT), LIMIT_MAX);
  const rows: Row[] = [];
  let nextPageToken = flagValue(invocation, '--page-token') ?? '';
  do {
    const next = await page(Math.min(limit - rows.length, 1000), nextPageToken);
    rows.push(...next.rows);
    nextPageToken = next.nextPageToken;
  } while (nextPageToken !== '' && rows.length < limit);
  return { rows, nextPageToken };
}

/** Tells a person that a list goes on; beside the list, so that nobody takes it for a row. */
export function tellMore({ invocation, world }: Job, { rows, nextPageToken }: Gathered<unknown>): void {
  if (nextPageToken === '' || wantsJson(invocation)) return;
  const how = rows.length < LIMIT_MAX ? 'ask for them with --limit' : 'narrow it down to see them';
  const times = ['--since', '--until'].flatMap((flag) => {
    const time = flagValue(invocation, flag);
    return time === undefined ? [] : [` ${flag} ${time}`];
  });
  const onward = `--page-token ${nextPageToken}${times.join('')}`;
  world.err(`carillon: these are ${rows.length}, and there are more; ${how}, or go on with\n  ${onward}\n`);
}

/**
 * The same job with `--since 2h` as the moment that it is now. A page token goes with the filter that it was made
 * for, which would be another a second later.
 */
export function withTimesFixed(job: Job): Job {
  const { since, until } = rangeJson(job.invocation, job.world.now());
  const fixed: (readonly [string, readonly string[]])[] = [
    ...(since === undefined ? [] : [['--since', [since]] as const]),
    ...(until === undefined ? [] : [['--until', [until]] as const]),
  ];
  return { ...job, invocation: { ...job.invocation, flags: new Map([...job.invocation.flags, ...fixed]) } };
}

/** What an id of a webhook looks like, the caller's own and ours; a name can look so, too. */
const WEBHOOK_ID = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|wh_[0-9A-Z]{26})$/;

/** The id of the webhook that is meant: it is the id or the uid of one, or else the name of exactly one. */
export async function webhookId(
  { connection, invocation }: Pick<Job, 'connection' | 'invocation'>,
  text: string,
): Promise<string> {
  if (await isWebhookId({ connection, invocation }, text)) return text;
  const namespace = namespaceOf(invocation);
  const filter = `name = ${exactly(text)}`;
  const { webhooks } = await connection.webhooks.list({ filter, namespace, pageSize: 10 });
  if (webhooks.length === 1) return webhooks[0]!.id;
  const name = JSON.stringify(text);
  if (webhooks.length === 0) {
    throw new ConnectError(`there is no webhook with the id or name ${name}`, Code.NotFound);
  }
  const those = webhooks.map(({ id, destination }) => `\n  ${id}  ${destination}`).join('');
  throw new UsageError(`several webhooks have the name ${name}; give the id of one:${those}`);
}

/** Whether a text is a uid, or the id of a webhook that exists. */
export async function isWebhookId(
  { connection, invocation }: Pick<Job, 'connection' | 'invocation'>,
  text: string,
): Promise<boolean> {
  if (!WEBHOOK_ID.test(text)) return false;
  if (text.startsWith('wh_')) return true;
  try {
    await connection.webhooks.get({ namespace: namespaceOf(invocation), id: text });
    return true;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return false;
    throw error;
  }
}

/** What a call answers; undefined where the role of the key does not allow it. */
export async function ifAllowed<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (error instanceof ConnectError && error.code === Code.PermissionDenied) return undefined;
    throw error;
  });
}

/** The name of an enum's value without what all of them begin with: `ACTIVE`. */
export function enumName(type: DescEnum, value: number): string {
  return type.value[value]?.localName ?? String(value);
}

/** `1 delivery`, `2 deliveries`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Whether a person agrees. Anything but y or yes is a no. */
export function isYes(answer: string): boolean {
  return /^\s*y(?:es)?\s*$/i.test(answer);
}
