import { CLOCK_BEHIND_MS, isFromAhead, isOfOtherRules, renewed } from '../domain/schedule/renewal.ts';
import type { Present, RunCursor } from '../domain/schedule/schedule.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { CursorMove, Intake, UpcomingRun } from '../store/intake.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Computes cursors anew that are no longer true: those of a clock that was ahead, and those of other time zone
 * rules. It goes through all of them in the background, soonest first, a bounded number at a time: when the process
 * begins, and whenever the clock was put back. One that is due before its turn has come is computed anew then.
 */
export interface Renewals {
  /** Goes through all of them from the beginning. */
  begin(): void;
  /** Whether it is going through them. */
  readonly pending: boolean;
  /** Looks at the next ones, and returns the webhooks that have another cursor now. Raises UNAVAILABLE and EXHAUSTED. */
  step(present: Present): Promise<Webhook[]>;
  /** The webhooks with true cursors: those that have them, and those for which they were computed anew. */
  renew(webhooks: readonly Webhook[], present: Present): Promise<Renewed>;
}

export interface Renewed {
  /** They had true cursors. */
  readonly kept: readonly Webhook[];
  /** They have other cursors now. */
  readonly moved: readonly Webhook[];
  /** Ids of those that somebody else changed meanwhile. */
  readonly stale: readonly string[];
}

export interface RenewalsDeps {
  readonly store: Pick<Intake, 'cursorsToRenew' | 'moveCursors'>;
  readonly directory: Pick<Directory, 'load' | 'advance' | 'forget'>;
  readonly log: Log;
}

export function createRenewals({ store, directory, log }: RenewalsDeps): Renewals {
  let pending = true;
  /** Where it goes on; undefined at the beginning. */
  let place: UpcomingRun | undefined;
  /** Whether any was computed anew since the beginning: then it goes through them once more. */
  let found = false;

  function begin(): void {
    pending = true;
    place = undefined;
    found = false;
  }

  async function renew(webhooks: readonly Webhook[], present: Present): Promise<Renewed> {
    const kept: Webhook[] = [];
    const aged: Webhook[] = [];
    for (const webhook of webhooks) (isAged(webhook, present) ? aged : kept).push(webhook);
    if (aged.length === 0) return { kept, moved: [], stale: [] };
    const wanted = aged.flatMap((webhook) => {
      const to = cursorFor(webhook, present);
      return to === undefined ? [] : [{ ...webhook, cursor: to, from: webhook.cursor }];
    });
    const results = await store.moveCursors(wanted.map(moveOf));
    const moved = wanted.filter((_, i) => results[i] === 'MOVED');
    const stale = wanted.filter((_, i) => results[i] === 'STALE').map(({ id }) => id);
    for (const { id, cursor } of moved) directory.advance(id, cursor);
    for (const id of stale) directory.forget(id);
    tell(moved, present);
    return { kept, moved: moved.map(({ from: _, ...webhook }) => webhook), stale };
  }

  /** Undefined for a schedule that this platform cannot read: only its webhook must suffer from that. */
  function cursorFor(webhook: Webhook, present: Present): RunCursor | undefined {
    const { schedule } = webhook.effective;
    if (schedule === undefined) return { ...webhook.cursor, movedAt: present.now };
    try {
      return renewed(webhook.id, schedule, webhook.cursor, present);
    } catch (error) {
      const reason = (error as Error).message;
      log.error({ webhookId: webhook.id, reason }, 'schedule left out: it cannot be read');
      return undefined;
    }
  }

  function tell(moved: readonly (Webhook & { from: RunCursor })[], { now, zoneRules }: Present): void {
    const ahead = moved.filter(({ from }) => isFromAhead(from, now));
    if (ahead.length > 0) {
      const behindMs = Math.max(...ahead.map(({ from }) => from.movedAt! - now));
      log.warn(
        { webhooks: ahead.length, behindMs },
        'the clock is behind the time at which these webhooks rang or were registered: their next runs are computed anew from now',
      );
    }
    const webhooks = moved.length - ahead.length;
    if (webhooks > 0)
      log.info({ webhooks, zoneRules }, 'next runs were computed anew by other time zone rules');
  }

  return {
    begin,
    get pending() {
      return pending;
    },
    renew,
    async step(present) {
      const { now, zoneRules } = present;
      const query = { movedAfter: now + CLOCK_BEHIND_MS, zoneRules, ...(place && { after: place }) };
      const { webhookIds, next } = await store.cursorsToRenew(query);
      const webhooks = webhookIds.length === 0 ? [] : await directory.load(webhookIds);
      const { moved, stale } = await renew(
        webhooks.filter((webhook) => webhook !== undefined),
        present,
      );
      // There may be more that are over than one look finds, and what is stale has to be read again.
      found ||= moved.length > 0 || stale.length > 0;
      place = next;
      if (next === undefined && found) begin();
      else pending = next !== undefined;
      return [...moved];
    },
  };
}

function isAged({ cursor }: Webhook, present: Present): boolean {
  return isFromAhead(cursor, present.now) || isOfOtherRules(cursor, present);
}

function moveOf(webhook: Webhook & { from: RunCursor }): CursorMove {
  const { id, version, from, cursor } = webhook;
  return { webhookId: id, version, from: from.nominalAt, to: cursor };
}
