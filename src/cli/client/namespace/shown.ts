import {
  type Namespace,
  Namespace_State,
  Namespace_StateSchema,
} from '../../../../gen/carillon/v1/namespace_pb.ts';
import type { RateLimit } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { enumName } from '../job.ts';
import { type Column, card, type Paper } from '../table.ts';
import { inFull } from '../times.ts';

export const namespaceColumns: readonly Column<Namespace>[] = [
  { title: 'NAME', text: ({ name }) => name, atLeast: 8, last: true },
  {
    title: 'STATE',
    text: ({ state }) => enumName(Namespace_StateSchema, state),
    style: ({ state }) => (state === Namespace_State.ACTIVE ? 'good' : 'warn'),
  },
  { title: 'WEBHOOKS', text: (each) => webhooksOf(each), align: 'right' },
  { title: 'WAITING', text: (each) => waitingOf(each), align: 'right' },
  { title: 'PUBLISHES', text: ({ effective }) => rateOf(effective?.publishRate), rank: 1 },
  { title: 'PAYLOAD', text: ({ quotas }) => bytesOf(quotas?.payloadBytes), align: 'right', rank: 0 },
];

export function namespaceCard(namespace: Namespace, now: number, paper: Paper): string {
  const { effective, usage, quotas } = namespace;
  return card(
    [
      ['name', namespace.name],
      ['state', enumName(Namespace_StateSchema, namespace.state)],
      ['webhooks', webhooksOf(namespace)],
      ['waiting', waitingOf(namespace)],
      ['for one webhook', outOf(usage?.longestLane, effective?.waitingPerWebhook)],
      ['publishes', rateOf(effective?.publishRate)],
      ['payload', bytesOf(quotas?.payloadBytes)],
      ['created', inFull(namespace.createTime, now)],
      ['updated', inFull(namespace.updateTime, now)],
      ['etag', namespace.etag],
    ],
    paper,
  );
}

function webhooksOf({ usage, effective }: Namespace): string {
  return outOf(usage?.webhooks, effective?.webhooks);
}

function waitingOf({ usage, effective }: Namespace): string {
  return outOf(usage?.waiting, effective?.waiting);
}

/** `3 of 100`; 0 is no bound. */
function outOf(count = 0n, bound = 0): string {
  return bound === 0 ? String(count) : `${count} of ${bound}`;
}

function rateOf(rate: RateLimit | undefined): string {
  return rate === undefined ? '' : `${rate.perSecond}/s, ${rate.burst} at once`;
}

function bytesOf(bytes = 0): string {
  return bytes === 0 ? '' : `${bytes} bytes`;
}
