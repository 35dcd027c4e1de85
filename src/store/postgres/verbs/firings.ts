import type { Answer, FireCode } from '../../calls/shapes.ts';
import { KEPT, RUN, SUPERSEDED, SUPERSEDING } from '../../rows/codes.ts';
import { FIRING, type FiringRow, NEW_DELIVERY } from '../../rows/messages.ts';
import { type CursorRow, EVENT } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Together, Verbs } from '../protocol.ts';
import { createInsertion, type Draft, insertRun } from './insertion.ts';
import { waitingReader } from './waiting.ts';

/** How runs of a webhook wait. */
interface Queue {
  readonly waiting: number;
  /** Where the last first became due; undefined where none waits. */
  readonly last: number | undefined;
  /** Those whose place a new run takes, and those that keep it. */
  readonly replaced: number;
  readonly kept: number;
}

const NONE: Queue = { waiting: 0, last: undefined, replaced: 0, kept: 0 };

/** What was found of the webhooks of a round. */
interface Round {
  readonly draft: Draft;
  readonly cursors: ReadonlyMap<string, readonly [version: number, nominalAt: number | null]>;
  readonly queues: ReadonlyMap<number, Queue>;
  /** Events that exist, by their ids. */
  readonly known: Set<string>;
}

/** What a round writes beside its events and deliveries. */
interface Outcome {
  readonly moved: [id: string, cursor: CursorRow][];
  /** Webhooks of which the runs that wait are superseded. */
  readonly superseding: number[];
}

interface Fired {
  code: FireCode;
  readonly ords: number[];
  /** Ids of those that wait for their turn. */
  readonly held: string[];
}

export function runVerbs(
  context: Context,
): Pick<Verbs, 'upcomingRuns' | 'fireRuns'> & { together: Pick<Together, 'fireRuns'> } {
  const { db, hooks, turns, tenants } = context;
  const { at } = FIRING;
  const insertion = createInsertion(context);
  const readWaiting = waitingReader(db);

  const upcoming = db.prepare<[id: string, dueAt: number]>(`
    SELECT id, run_due_at FROM @webhooks
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL
      AND run_due_at < ?1 AND (run_due_at, id) > (?3::bigint, ?4::text)
    ORDER BY run_due_at, id LIMIT ?2`);
  const selectCursors = db.prepare<[id: string, version: number, nominalAt: number | null]>(`
    SELECT id, version, nominal_at FROM @webhooks
    WHERE id = ANY(?) AND state = 'ACTIVE' AND removed_at IS NULL`);
  const selectQueues = db.prepare<
    [key: number, waiting: number, last: number, replaced: number, kept: number]
  >(`
    SELECT webhook, count(*), max(first_due_at),
      count(*) FILTER (WHERE ending = 0 AND NOT (turn = ${KEPT} AND attempts = 0)),
      count(*) FILTER (WHERE ending = 0 AND turn = ${KEPT} AND attempts = 0)
    FROM @waiting WHERE webhook = ANY(?) AND run = ${RUN} AND run > 0 GROUP BY webhook`);
  const selectKnown = db.prepare<[id: string]>('SELECT id FROM @events WHERE id = ANY(?)');
  const advance = db.prepare(`
    UPDATE @webhooks AS w
    SET anchor_at = v.anchor_at, nominal_at = v.nominal_at, run_due_at = v.run_due_at, fired = v.fired,
      skipped = v.skipped, moved_at = v.moved_at, zone_rules = v.zone_rules
    FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[])
      AS v (id, anchor_at, nominal_at, run_due_at, fired, skipped, moved_at, zone_rules)
    WHERE w.id = v.id`);
  const supersede = db.prepare<[id: string]>(`
    UPDATE @waiting SET ending = ${SUPERSEDED}, xid = pg_current_xact_id()
    WHERE webhook = ANY(?) AND run = ${RUN} AND run > 0 AND ending = 0 AND NOT (turn = ${KEPT} AND attempts = 0)
    RETURNING id`);

  async function look(rows: readonly FiringRow[]): Promise<Round> {
    const ids = rows.map((row) => row[at.webhookId]);
    const events = rows.flatMap((row) => row[at.events]);
    await hooks.load(ids);
    const overlapping = rows.flatMap((row) => {
      const hook = row[at.overlap] === 'ALLOW' ? undefined : hooks.get(row[at.webhookId]);
      return hook?.key ?? [];
    });
    const [draft, cursors, queues, known] = await Promise.all([
      insertion.open({ events: events.length, deliveries: events.length }),
      selectCursors.all(ids),
      overlapping.length === 0 ? [] : selectQueues.all(overlapping),
      selectKnown.all(events.map((event) => event[EVENT.at.id])),
    ]);
    return {
      draft,
      cursors: new Map(cursors.map(([id, ...cursor]) => [id, cursor])),
      queues: new Map(
        queues.map(([key, waiting, last, replaced, kept]) => [key, { waiting, last, replaced, kept }]),
      ),
      known: new Set(known.map(([id]) => id)),
    };
  }

  /** Whether the runs are left out because of those that wait. */
  function leavesOut(row: FiringRow, { waiting }: Queue): boolean {
    const max = row[at.waitingMax];
    return max === null ? waiting > 0 : waiting + row[at.events].length > max;
  }

  function fireOne(
    row: FiringRow,
    { draft, cursors, queues, known }: Round,
    { moved, superseding }: Outcome,
  ): Fired {
    const fired: Fired = { code: 'STALE', ords: [], held: [] };
    const webhookId = row[at.webhookId];
    const events = row[at.events];
    const hook = hooks.get(webhookId);
    const [version, nominalAt] = cursors.get(webhookId) ?? [];
    if (hook === undefined || version !== row[at.version] || nominalAt !== row[at.from]) return fired;
    if (events.length > 0 && tenants.of(hook.namespace).state !== 'ACTIVE') return fired;
    const queue = queues.get(hook.key) ?? NONE;
    const skippedTo = row[at.skippedTo];
    const skips = skippedTo !== null && events.length > 0 && leavesOut(row, queue);
    moved.push([webhookId, skips ? skippedTo : row[at.to]]);
    if (skips) return { ...fired, code: 'SKIPPED' };

    const isNew = events.map((event) => !known.has(event[EVENT.at.id]));
    const overlap = row[at.overlap];
    const supersedes =
      (overlap === 'SUPERSEDE' || overlap === 'SUPERSEDE_IN_TURN') &&
      isNew.includes(true) &&
      queue.waiting > 0;
    if (supersedes && queue.replaced > 0) superseding.push(hook.key);
    // One of those that keep their places goes first.
    const waits = supersedes && queue.kept > 0;
    const inTurn = waits || overlap === 'BUFFER' || overlap === 'SUPERSEDE_IN_TURN';
    const how = {
      hook,
      queue: RUN,
      turn: overlap === 'SUPERSEDE_IN_TURN' ? KEPT : waits ? SUPERSEDING : 0,
      now: row[at.now],
      firstDueAt: row[at.firstDueAt],
      before: queue.last,
      inTurn,
    } as const;
    const queueing = { ...how };
    for (const [i, event] of events.entries()) {
      // The same can come twice in one firing.
      if (known.has(event[EVENT.at.id])) {
        fired.ords.push(0);
        continue;
      }
      known.add(event[EVENT.at.id]);
      const delivery = row[at.deliveries][i]!;
      const ord = insertRun(draft, delivery, event, draft.event(event, 1), queueing);
      fired.ords.push(ord);
      if (ord > 0) continue;
      turns.hold(hook.key);
      fired.held.push(delivery[NEW_DELIVERY.at.id]);
    }
    return { ...fired, code: events.length > 0 && !isNew.includes(true) ? 'KNOWN' : 'FIRED' };
  }

  /** Fires runs of different webhooks. Returns what became of each, and the ids of those that were superseded. */
  async function fireRound(rows: readonly FiringRow[]): Promise<{ fired: Fired[]; ending: string[] }> {
    const round = await look(rows);
    const outcome: Outcome = { moved: [], superseding: [] };
    const fired = rows.map((row) => fireOne(row, round, outcome));
    const { moved, superseding } = outcome;
    // Before the new ones are inserted, since the runs of one firing do not supersede each other.
    const [ending] = await Promise.all([
      superseding.length === 0 ? [] : supersede.all(superseding),
      moved.length > 0 &&
        advance.run(
          moved.map(([id]) => id),
          ...columnsOf(moved.map(([, cursor]) => cursor)),
        ),
      round.draft.write(),
    ]);
    return { fired, ending: ending.map(([id]) => id) };
  }

  async function fireAll(calls: readonly (readonly FiringRow[])[]): Promise<Answer<'fireRuns'>[]> {
    const rows = calls.flat();
    const fired: Fired[] = [];
    const ending: string[] = [];
    for (const round of roundsOf(rows)) {
      const result = await fireRound(round.map((i) => rows[i]!));
      for (const [place, i] of round.entries()) fired[i] = result.fired[place]!;
      ending.push(...result.ending);
    }
    const [held, ended] = await Promise.all([
      readWaiting(fired.flatMap((each) => each.held)),
      readWaiting(ending),
    ]);
    let next = 0;
    let nextHeld = 0;
    return calls.map((call): Answer<'fireRuns'> => {
      const mine = fired.slice(next, next + call.length);
      next += call.length;
      const heldOnes = mine.reduce((sum, each) => sum + each.held.length, 0);
      const heldHere = held.slice(nextHeld, nextHeld + heldOnes);
      nextHeld += heldOnes;
      return {
        results: mine.map(({ code }) => code),
        ords: mine.flatMap(({ ords }) => ords),
        held: heldHere,
        // One may be superseded by a call after the one that fired it.
        ending: ended,
      };
    });
  }

  return {
    upcomingRuns: (args) => upcoming.all(...args),
    fireRuns: async (rows) => (await fireAll([rows]))[0]!,
    together: { fireRuns: fireAll },
  };

  /** Firings of the same webhook come one after the other; those of different ones are carried out together. */
  function roundsOf(rows: readonly FiringRow[]): number[][] {
    const rounds: number[][] = [];
    const roundOf = new Map<string, number>();
    for (const [i, row] of rows.entries()) {
      const round = roundOf.get(row[at.webhookId]) ?? 0;
      roundOf.set(row[at.webhookId], round + 1);
      rounds[round] ??= [];
      rounds[round].push(i);
    }
    return rounds;
  }
}

function columnsOf(cursors: readonly CursorRow[]): (string | number | null)[][] {
  return cursors[0]!.map((_, place) => cursors.map((cursor) => cursor[place] ?? null));
}
