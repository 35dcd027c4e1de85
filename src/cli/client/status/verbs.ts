import { type JsonValue, toJson } from '@bufbuild/protobuf';
import { type Standby, StandbySchema } from '../../../../gen/carillon/v1/standby_pb.ts';
import { type Webhook, Webhook_State, WebhookView } from '../../../../gen/carillon/v1/webhook_pb.ts';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthCheckResponse_ServingStatusSchema as ServingSchema,
} from '../../../../gen/grpc/health/v1/health_pb.ts';
import { EXIT } from '../../exit.ts';
import { counted, enumName, ifAllowed, type Job, namespaceOf, wantsJson } from '../job.ts';
import { originText } from '../standby/shown.ts';
import { card } from '../table.ts';
import { plain } from '../terminal-text.ts';

/** How many webhooks are looked at, a page at a time. */
const WEBHOOKS_MAX = 10_000;
/** How many calls count what waits: each looks at about 10,000 rows. */
const COUNTS_MAX = 20;

/** What is known of a server, and of what is its caller's. */
interface Status {
  readonly address: string;
  readonly health: string;
  /** Services that do not serve, though the server does. */
  readonly notServing: readonly string[];
  /** Undefined for a server that does not tell. */
  readonly version: string | undefined;
  readonly timeZoneRules: string | undefined;
  readonly webhooks?: Count & Readonly<Record<'active' | 'paused' | 'disabled' | 'failing', number>>;
  readonly waiting?: Count;
  /** Why nothing is sent. */
  readonly standby?: JsonValue;
}

interface Count {
  readonly count: number;
  /** There are more, that were not counted. */
  readonly more: boolean;
}

/** `carillon status`. */
export async function status(job: Job): Promise<number> {
  const { world, invocation } = job;
  const asked = await healthOf(job);
  // Whoever does not serve is not asked for more.
  const serves = asked.health === 'SERVING';
  // Counting what waits is a cancellation that is not carried out, which a key for reading may not ask for.
  const waiting = serves ? await ifAllowed(waitingOf(job)) : undefined;
  const standby = serves ? (await ifAllowed(job.connection.admin.getStandby({})))?.standby : undefined;
  const found: Status = serves
    ? {
        ...asked,
        webhooks: await webhooksOf(job),
        ...(waiting && { waiting }),
        ...(standby && { standby: toJson(StandbySchema, standby) }),
      }
    : asked;
  world.out(wantsJson(invocation) ? `${JSON.stringify(found, undefined, 2)}\n` : textOf(job, found, standby));
  return serves ? EXIT.ok : EXIT.failed;
}

async function healthOf({ connection }: Job): Promise<Status> {
  let headers = new Headers();
  const { statuses } = await connection.health.list({}, { onHeader: (all) => (headers = all) });
  const named = Object.entries(statuses);
  const nameOf = (serving: Serving | undefined) => enumName(ServingSchema, serving ?? Serving.UNKNOWN);
  return {
    address: connection.address,
    health: nameOf(statuses['']?.status),
    notServing: named
      .filter(([name, each]) => name !== '' && each.status !== Serving.SERVING)
      .map(([name]) => name),
    version: headers.get('carillon-version') ?? undefined,
    timeZoneRules: headers.get('carillon-time-zone-rules') ?? undefined,
  };
}

async function webhooksOf({ connection, invocation }: Job): Promise<NonNullable<Status['webhooks']>> {
  const all: Webhook[] = [];
  let pageToken = '';
  do {
    const page = { pageSize: 1000, pageToken, view: WebhookView.BASIC };
    const answer = await connection.webhooks.list({ namespace: namespaceOf(invocation), ...page });
    all.push(...answer.webhooks);
    pageToken = answer.nextPageToken;
  } while (pageToken !== '' && all.length < WEBHOOKS_MAX);
  const having = (state: Webhook_State) => all.filter((each) => each.state === state).length;
  return {
    count: all.length,
    more: pageToken !== '',
    active: having(Webhook_State.ACTIVE),
    paused: having(Webhook_State.PAUSED),
    disabled: having(Webhook_State.DISABLED),
    failing: all.filter(({ failingSinceTime }) => failingSinceTime !== undefined).length,
  };
}

async function waitingOf({ connection, invocation }: Job): Promise<Count> {
  const request = { namespace: namespaceOf(invocation), filter: 'state = PENDING', validateOnly: true };
  let count = 0;
  let pageToken = '';
  for (let calls = 0; calls < COUNTS_MAX; calls++) {
    const answer = await connection.deliveries.cancelDeliveries({ ...request, pageToken });
    count += answer.count;
    pageToken = answer.nextPageToken;
    if (pageToken === '') break;
  }
  return { count, more: pageToken !== '' };
}

function textOf({ paper, world }: Job, found: Status, standby: Standby | undefined): string {
  const { webhooks, waiting } = found;
  const fields = card(
    [
      ['server', found.address],
      ['version', found.version],
      ['time zones', found.timeZoneRules && `rules ${found.timeZoneRules}`],
      ['webhooks', webhooks && webhooksText(webhooks)],
      ['waiting', waiting && `${atLeast(waiting)}${counted(waiting.count, 'delivery', 'deliveries')}`],
      ['standby', standby && `nothing is sent: ${originText(standby, world.now())}; carillon resume --all`],
      ['not serving', found.notServing.join(', ')],
    ],
    paper,
  );
  const style = paper.style[found.health === 'SERVING' ? 'good' : 'bad'];
  return `${style(plain(found.health))}\n\n${fields}`;
}

function webhooksText(webhooks: NonNullable<Status['webhooks']>): string {
  const kinds = (['active', 'paused', 'disabled', 'failing'] as const)
    .filter((kind) => webhooks[kind] > 0)
    .map((kind) => `${webhooks[kind]} ${kind}`);
  return `${atLeast(webhooks)}${webhooks.count}${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`;
}

function atLeast({ more }: Count): string {
  return more ? 'at least ' : '';
}
