import { DomainError } from '../domain/error.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { BulkOrder } from './bulk-deliveries.ts';
import type { ChangeDeps } from './change.ts';
import type { Needs } from './deps.ts';
import { pauseWebhook, resumeWebhook } from './lifecycle.ts';
import { listWebhooks, type Read } from './list.ts';

/** How many webhooks one call finds, and looks at, about; the proto file says so too. */
const FOUND_MAX = 1_000;
const LOOKED_MAX = 10_000;
/** Webhooks read at a time, since each may hold a payload of 1 MiB. */
const READ_MAX = 25;

export interface BulkIds {
  /** Of the webhooks that are now as they were to be. */
  readonly ids: readonly string[];
  /** Of those that were passed over, because others changed them again and again at the same time. */
  readonly contendedIds: readonly string[];
  /** Where to go on; undefined when that was all. */
  readonly next: string | undefined;
}

export type BulkDeps = ChangeDeps & Needs<'scanWebhooks'>;

/** Stops ringing webhooks, oldest first, in batches. Ends between two of them when the caller is gone. */
export function pauseWebhooks(deps: BulkDeps, order: BulkOrder, signal: AbortSignal): Promise<BulkIds> {
  return forEach(deps, order, signal, (webhook) => pauseWebhook(deps, webhook));
}

/** Rings webhooks again, in the same way. */
export function resumeWebhooks(deps: BulkDeps, order: BulkOrder, signal: AbortSignal): Promise<BulkIds> {
  return forEach(deps, order, signal, (webhook) => resumeWebhook(deps, webhook));
}

async function forEach(
  deps: BulkDeps,
  { namespace, where, validateOnly, from }: BulkOrder,
  signal: AbortSignal,
  act: (webhook: Webhook) => Promise<Webhook>,
): Promise<BulkIds> {
  const read = oldestFirst(deps, namespace, where);
  const ids: string[] = [];
  const contendedIds: string[] = [];
  let looked = 0;
  let place = from;
  for (;;) {
    signal.throwIfAborted();
    const part = await read(place, Math.min(READ_MAX, FOUND_MAX - ids.length - contendedIds.length));
    const done = validateOnly ? part.rows : await allDone(part.rows.map((each) => tried(each, act)));
    for (const [i, webhook] of part.rows.entries()) {
      if (done[i] === 'CONTENDED') contendedIds.push(webhookIdOf(webhook));
      else if (done[i] !== 'GONE') ids.push(webhookIdOf(webhook));
    }
    if (part.next === null) return { ids, contendedIds, next: undefined };
    place = part.next;
    looked += part.looked;
    const found = ids.length + contendedIds.length;
    if (found >= FOUND_MAX || looked >= LOOKED_MAX) return { ids, contendedIds, next: place };
  }
}

/** All webhooks that a condition lets through, oldest first. Raises FAILED_PRECONDITION when they are too many. */
export async function findWebhooks(
  deps: Needs<'scanWebhooks'>,
  { namespace, where }: Pick<BulkOrder, 'namespace' | 'where'>,
  max: number,
  signal: AbortSignal,
): Promise<Pick<Webhook, 'id' | 'callerId'>[]> {
  const read = oldestFirst(deps, namespace, where);
  const all: Pick<Webhook, 'id' | 'callerId'>[] = [];
  let place: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const part = await read(place, READ_MAX);
    // Their ids are enough: each may hold a payload of 1 MiB.
    all.push(...part.rows.map(({ id, callerId }) => ({ id, ...(callerId !== undefined && { callerId }) })));
    if (all.length > max) {
      throw new DomainError('TOO_MANY_MATCHES', `more than ${max} webhooks match; name fewer of them`, {
        metadata: { max },
      });
    }
    if (part.next === null) return all;
    place = part.next;
  }
}

function oldestFirst(
  deps: Needs<'scanWebhooks'>,
  namespace: string,
  where: BulkOrder['where'],
): Read<Webhook> {
  return listWebhooks(deps, { namespace, where, by: 'id', descending: false });
}

/**
 * What all of them come to. Where one fails, that is raised when the others are done too: what is changed after the call
 * is over is entered in no audit log.
 */
async function allDone<T>(changes: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(changes);
  return Promise.all(changes);
}

/**
 * Changes one of many. One that was removed meanwhile is none any more, and one that others change all the time keeps
 * back none of the rest.
 */
async function tried(
  webhook: Webhook,
  act: (webhook: Webhook) => Promise<Webhook>,
): Promise<Webhook | 'GONE' | 'CONTENDED'> {
  try {
    return await act(webhook);
  } catch (reason) {
    if (!(reason instanceof DomainError)) throw reason;
    if (reason.code === 'NOT_FOUND') return 'GONE';
    if (reason.reason === 'CONTENDED') return 'CONTENDED';
    throw reason;
  }
}
