import type { Answer, Args } from '../../calls/shapes.ts';
import { PENDING, SUCCEEDED } from '../../rows/codes.ts';
import { LANE, type LaneRow, SETTLEMENT, type SettlementRow } from '../../rows/messages.ts';
import { ATTEMPT, HEALTH } from '../../rows/tables.ts';
import { createCatalog } from '../catalog.ts';
import type { Context } from '../context.ts';
import { type Entry, withoutData } from '../journal.ts';
import type { Together, Verbs } from '../protocol.ts';
import { createStandings, move, noteLate, type Standing, succeedLate } from './standings.ts';
import { waitingReader } from './waiting.ts';

/** What follows from settlements for the rest of their lanes. */
interface Consequences {
  /** Of each webhook of which deliveries were finished, the time of the last. */
  readonly finished: Map<number, number>;
  /** Those that are to be tried again: their webhooks, and their ids. */
  readonly postponed: [webhook: number, id: string][];
}

export function settleVerbs(
  context: Context,
): Pick<Verbs, 'settle'> & { together: Pick<Together, 'settle'> } {
  const { db, journal, removed, hooks, turns, lastAttempts } = context;
  const { at } = SETTLEMENT;
  const standings = createStandings(db);
  const catalog = createCatalog(db);
  const readWaiting = waitingReader(db);
  const point = db.prepare('UPDATE @history SET journal = ? WHERE id = ?');
  const updateHealth = db.prepare(`
    UPDATE @webhooks SET ${HEALTH.assignments} WHERE id = ? AND removed_at IS NULL AND health_version <= ?`);
  const disable = db.prepare(`
    UPDATE @webhooks
    SET state = 'DISABLED', state_reason = ?, updated_at = ?, version = version + 1, xid = pg_current_xact_id()
    WHERE id = ? AND state = 'ACTIVE' AND removed_at IS NULL AND health_version <= ?`);

  /** Attempts that are known of deliveries that may have ended in another way: mostly there are none. */
  async function attemptsOf(
    rows: readonly SettlementRow[],
    found: ReadonlyMap<string, Standing>,
  ): Promise<Set<string>> {
    const seen = new Set<string>();
    const doubtful = rows.flatMap((row): string[] => {
      const id = row[at.id];
      const standing = found.get(id);
      if (standing === undefined || row[at.attempt] === null) return [];
      const isAgain = seen.has(id);
      seen.add(id);
      const stays = standing.state !== PENDING || removed.has(row[at.webhookId]) || row[at.ending] > 0;
      return stays || isAgain ? [id] : [];
    });
    const numbers = await journal.numbers(doubtful);
    return new Set(numbers.map(([id, number]) => attemptName(id, number)));
  }

  /** Applies one settlement, and adds the entry of the journal about it. Returns whether it was settled. */
  function settleOne(
    row: SettlementRow,
    standing: Standing,
    known: Set<string>,
    { finished, postponed }: Consequences,
  ): { readonly isSettled: boolean; readonly entry: Entry | undefined } {
    const attempt = row[at.attempt];
    if (attempt !== null && standing.isErased) row[at.attempt] = withoutData(attempt);
    const lane = { key: standing.webhook, namespace: standing.namespace };
    const wasWaiting = standing.state === PENDING;
    const entry = removed.has(row[at.webhookId]) ? undefined : move(row, standing);
    const isSettled = entry !== undefined;
    if (!isSettled && row[at.to] === SUCCEEDED) succeedLate(row, standing);
    if (wasWaiting && standing.state !== PENDING) {
      context.waiting.add(lane, -1);
      if (isSettled) finished.set(lane.key, row[at.at]);
    } else if (isSettled) {
      postponed.push([lane.key, standing.id]);
    }
    if (attempt === null) return { isSettled, entry };
    const name = attemptName(standing.id, attempt[ATTEMPT.at.number]);
    // The same attempt may be reported again by a dispatcher that was not told of the commit.
    const late = isSettled || known.has(name) ? undefined : noteLate(row, standing);
    known.add(name);
    return { isSettled, entry: entry ?? late };
  }

  /** Lets the runs go that have their turn by it. Returns the ids of these, and of those that give way to the next. */
  async function follow({ finished, postponed }: Consequences): Promise<string[]> {
    const changed: string[] = [];
    for (const [webhook, id] of postponed) if (await turns.giveWay(webhook, id)) changed.push(id);
    for (const [webhook, now] of finished) changed.push(...(await turns.release(webhook, now)));
    return changed;
  }

  /** Writes the journal, and notes the last attempts of webhooks and what has a message. */
  async function record(entries: readonly Entry[], found: ReadonlyMap<string, Standing>): Promise<void> {
    const places = await journal.add(entries);
    const pointed: Promise<number>[] = [];
    for (const [i, { delivery, webhook, attempt, state }] of entries.entries()) {
      const seq = places[i]!;
      if (attempt !== null) lastAttempts.note(webhook, { seq, delivery, facts: attempt[ATTEMPT.at.facts] });
      const isTold = state !== PENDING && found.get(delivery)?.message !== null;
      if (isTold) pointed.push(point.run(seq, delivery));
    }
    await Promise.all([lastAttempts.enterMany(), ...pointed]);
  }

  /** Whether it disabled the webhook. */
  async function changeLane(row: LaneRow): Promise<boolean> {
    const webhookId = row[LANE.at.webhookId];
    const reason = row[LANE.at.disable];
    const version = row[LANE.at.version];
    await updateHealth.run(...row[LANE.at.health], webhookId, version);
    return reason !== null && (await disable.run(reason, row[LANE.at.now], webhookId, version)) !== 0;
  }

  async function changeLanes(rows: readonly LaneRow[]): Promise<string[]> {
    const disabled: string[] = [];
    for (const row of rows) if (await changeLane(row)) disabled.push(row[LANE.at.webhookId]);
    if (disabled.length > 0) await catalog.raise(disabled);
    return disabled;
  }

  async function settleAll(calls: readonly Args<'settle'>[]): Promise<Answer<'settle'>[]> {
    const rows = calls.flatMap((call) => call.rows);
    const consequences: Consequences = { finished: new Map(), postponed: [] };
    const [found] = await Promise.all([
      rows.length === 0 ? new Map<string, Standing>() : standings.read(rows.map((row) => row[at.id])),
      hooks.load(rows.map((row) => row[at.webhookId])),
    ]);
    const known = await attemptsOf(rows, found);
    const entries: Entry[] = [];
    const results = rows.map((row) => {
      const standing = found.get(row[at.id]);
      // The delivery is gone even from history. A row about it would never be swept.
      if (standing === undefined) return 'GONE';
      const { isSettled, entry } = settleOne(row, standing, known, consequences);
      if (entry !== undefined) entries.push(entry);
      return isSettled ? 'SETTLED' : 'GONE';
    });
    await standings.write(found.values());
    await record(entries, found);
    const released = await readWaiting(await follow(consequences));
    let next = 0;
    const answers: Answer<'settle'>[] = [];
    for (const [i, call] of calls.entries()) {
      const disabled = await changeLanes(call.lanes);
      const mine = results.slice(next, next + call.rows.length);
      next += call.rows.length;
      answers.push({ results: mine, disabled, released: i === 0 ? released : [] });
    }
    return answers;
  }

  return {
    settle: async (call) => (await settleAll([call]))[0]!,
    together: { settle: settleAll },
  };
}

function attemptName(id: string, number: number): string {
  return `${id} ${number}`;
}
