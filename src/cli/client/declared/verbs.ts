import { EXIT } from '../../exit.ts';
import { flagValue, flagValues, UsageError } from '../command.ts';
import { importCrontab } from '../crontab/import.ts';
import { type Job, namespaceOf, type Verb, wantsJson } from '../job.ts';
import { plain } from '../terminal-text.ts';
import { carryOutConfirmed, goingOf } from './confirmed.ts';
import { type Declarations, readDeclarations } from './declared.ts';
import { readSources } from './files.ts';
import { makePlan, type Plan, type PlanOptions } from './plan.ts';
import { planJson, planText } from './shown.ts';
import { type Problem, problemsText } from './source-line.ts';
import { redact } from './variables.ts';

/** `carillon apply` and `carillon import-crontab`. */
export const DECLARED_VERBS: Readonly<Record<string, Verb>> = { apply, 'import-crontab': importCrontab };

async function apply(job: Job): Promise<number> {
  const { invocation, world, paper } = job;
  const paths = flagValues(invocation, '--file');
  if (paths.length === 0)
    throw new UsageError('apply needs files: give -f with a file, a folder, or - for standard input');
  const options = optionsOf(job);
  const going = goingOf(job, paths.includes('-'));
  const exitCode = flagValue(invocation, '--exit-code') !== undefined;
  if (exitCode && !going.dryRun) throw new UsageError('--exit-code goes with --dry-run');

  const sources = await readSources(paths, world);
  const declarations = readDeclarations(sources, { env: world.env, namespace: options.namespace });
  const plan = await planOf(job, declarations, options);
  if (plan === undefined) return EXIT.usage;

  const { changes } = plan;
  const json = wantsJson(invocation);
  if (!json) world.out(planText(plan, paper.style));
  const idle = changes.length === 0 || going.dryRun;
  const outcomes = idle ? [] : await carryOutConfirmed(job, changes, going);
  if (json)
    world.out(`${JSON.stringify(planJson(plan, outcomes ?? [], going.showsSecrets), undefined, 2)}\n`);
  if (going.dryRun) return exitCode && changes.length > 0 ? EXIT.differs : EXIT.ok;
  return outcomes?.every(({ failure }) => failure === undefined) ? EXIT.ok : EXIT.failed;
}

function optionsOf({ invocation }: Job): PlanOptions {
  const owner = flagValue(invocation, '--owner');
  const prune = flagValue(invocation, '--prune') !== undefined;
  const takeOver = flagValue(invocation, '--take-over') !== undefined;
  if (owner === '') throw new UsageError('--owner needs the name of a set, such as shop');
  if (owner === undefined && (prune || takeOver)) {
    throw new UsageError(`${prune ? '--prune' : '--take-over'} needs --owner, which names the set`);
  }
  return { owner, prune, takeOver, namespace: namespaceOf(invocation) };
}

/** Undefined when something is wrong with the files, which is said then: all of it, and nothing is changed. */
async function planOf(
  { connection, world }: Job,
  { declared, problems, used }: Declarations,
  options: PlanOptions,
): Promise<Plan | undefined> {
  const tell = (all: readonly Problem[]) => {
    const safe = all.map(({ at, message }) => ({ at, message: plain(redact(message, used)) }));
    world.err(`${problemsText(safe)}carillon: nothing was changed\n`);
  };
  if (declared.length === 0 && problems.length === 0) {
    // With --prune that would remove everything, and more likely a template came to nothing.
    throw new UsageError('the files declare no webhook');
  }
  let plan: Plan;
  try {
    plan = await makePlan(connection, declared, options);
  } catch (error) {
    // Without a server these can be said all the same.
    if (problems.length > 0) tell(problems);
    throw error;
  }
  const all = [...problems, ...plan.problems];
  if (all.length === 0) return plan;
  tell(all);
  return undefined;
}
