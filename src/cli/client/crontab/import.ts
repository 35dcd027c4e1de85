import { EXIT } from '../../exit.ts';
import { flagValue } from '../command.ts';
import type { Outcome } from '../declared/carry-out.ts';
import { carryOutConfirmed, goingOf } from '../declared/confirmed.ts';
import type { Declared } from '../declared/declared.ts';
import { readSources } from '../declared/files.ts';
import { makePlan, type Plan } from '../declared/plan.ts';
import { changeJson, planText } from '../declared/shown.ts';
import { type Problem, problemsText } from '../declared/source-line.ts';
import { FORMATS, type Format, filesText } from '../declared/written.ts';
import { type Job, namespaceOf, wantsJson } from '../job.ts';
import { plain } from '../terminal-text.ts';
import { readWord } from '../values.ts';
import { type Imports, readImports } from './imports.ts';
import { nextRuns, nextRunsText } from './next-runs.ts';

/** `carillon import-crontab`. */
export async function importCrontab(job: Job): Promise<number> {
  const { invocation, world } = job;
  const path = invocation.argument ?? '-';
  const format = formatOf(job);
  const going = format === undefined ? goingOf(job, path === '-') : undefined;
  const [source] = await readSources([path], { ...world, listFolder: async () => undefined });
  const imports = readImports(source!, {
    system: flagValue(invocation, '--system') !== undefined,
    timeZone: flagValue(invocation, '--time-zone'),
    machineZone: world.timeZone,
    namespace: namespaceOf(invocation),
  });
  for (const note of imports.notes) world.err(`carillon: ${note}\n`);
  tell(job, imports.warnings, '');
  if (format !== undefined) return print(job, imports, format);

  const declared = imports.imported.map((each) => each.declared);
  const plan = await makePlan(job.connection, declared, {
    owner: undefined,
    prune: false,
    takeOver: false,
    namespace: '',
  });
  const refused = [...imports.refused, ...plan.problems];
  tell(job, refused, 'not imported: ');
  if (!wantsJson(invocation)) world.out(planText(plan, job.paper.style));
  const outcomes =
    plan.changes.length > 0 && !going!.dryRun ? await carryOutConfirmed(job, plan.changes, going!) : [];
  if (outcomes === undefined) return EXIT.failed;
  await answer(job, plan, outcomes, going!.showsSecrets);
  const failures = outcomes.filter(({ failure }) => failure !== undefined);
  return refused.length + failures.length > 0 ? EXIT.failed : EXIT.ok;
}

function formatOf({ invocation }: Job): Format | undefined {
  const text = flagValue(invocation, '--output');
  return FORMATS.find(
    (format) => text !== undefined && format === readWord('--output', text, FORMATS, '').toLowerCase(),
  );
}

/** Prints files for `carillon apply`. */
function print(job: Job, { imported, refused }: Imports, format: Format): number {
  tell(job, refused, 'not imported: ');
  const written = imported.map(({ declared, json }) => {
    const { file, line } = declared.lineOf([]);
    return { id: declared.webhook.id, json, before: `${file}, line ${line}` };
  });
  if (written.length > 0) job.world.out(filesText(written, format));
  return refused.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Says when each of them rings next, whether it was registered now or before. */
async function answer(
  job: Job,
  plan: Plan,
  outcomes: readonly Outcome[],
  showsSecrets: boolean,
): Promise<void> {
  const { world, invocation, connection } = job;
  const failed = new Set(outcomes.flatMap(({ change, failure }) => (failure ? [change] : [])));
  const registrations = plan.changes.filter((change) => change.action !== 'remove');
  const ringing: Declared[] = [
    ...plan.unchanged.map(({ declared }) => declared),
    ...registrations.filter((change) => !failed.has(change)).map(({ declared }) => declared),
  ];
  const runs = await nextRuns(connection, ringing);
  if (!wantsJson(invocation)) {
    for (const declared of ringing) world.out(nextRunsText(declared, runs.get(declared) ?? []));
    return;
  }
  const told = registrations.map((change) => ({
    ...changeJson(
      change,
      outcomes.find((outcome) => outcome.change === change),
      showsSecrets,
    ),
    nextRunTimes: runs.get(change.declared) ?? [],
  }));
  const same = plan.unchanged.map(({ declared, id }) => ({
    action: 'none',
    id,
    ...declared.lineOf([]),
    nextRunTimes: runs.get(declared) ?? [],
  }));
  world.out(`${JSON.stringify({ webhooks: [...told, ...same] }, undefined, 2)}\n`);
}

function tell({ world }: Job, problems: readonly Problem[], before: string): void {
  world.err(problemsText(problems.map(({ at, message }) => ({ at, message: plain(before + message) }))));
}
