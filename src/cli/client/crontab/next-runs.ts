import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Connection } from '../connect.ts';
import type { Declared } from '../declared/declared.ts';
import { plain } from '../terminal-text.ts';

/** How many runs are shown of each. */
const RUNS = 3;

/** When each of them rings next, in RFC 3339. */
export async function nextRuns(
  { webhooks }: Pick<Connection, 'webhooks'>,
  declared: readonly Declared[],
): Promise<ReadonlyMap<Declared, readonly string[]>> {
  const runs = new Map<Declared, string[]>();
  for (const one of declared) {
    const { schedule, namespace } = one.webhook;
    if (schedule === undefined) continue;
    const answer = await webhooks.previewSchedule({
      namespace,
      source: { case: 'schedule', value: schedule },
      count: RUNS,
    });
    runs.set(
      one,
      answer.runTimes.map((time) => timestampDate(time).toISOString()),
    );
  }
  return runs;
}

/** `nightly rings next at 2026-11-29 02:30, … (Europe/Vienna)` */
export function nextRunsText({ webhook }: Declared, runs: readonly string[]): string {
  const zone = webhook.schedule?.timeZone || 'UTC';
  // Swedish is written as ISO 8601 is.
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const times = runs.map((time) => local.format(new Date(time))).join(', ');
  return `${plain(webhook.id)} rings next at ${times} (${zone})\n`;
}
