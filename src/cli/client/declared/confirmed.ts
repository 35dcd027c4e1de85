import { flagValue, UsageError } from '../command.ts';
import type { Job } from '../job.ts';
import { isYes, wantsJson } from '../job.ts';
import { carryOut, type Outcome } from './carry-out.ts';
import type { Change } from './plan.ts';
import { outcomeText } from './shown.ts';

/** How a command that shows what it would do goes on. */
export interface Going {
  /** It shows what it would do, and no more. */
  readonly dryRun: boolean;
  /** It does not ask. */
  readonly yes: boolean;
  /** It prints secrets. */
  readonly showsSecrets: boolean;
}

/** What options and the terminal say about it. Raises UsageError where a person must be asked, and is not there. */
export function goingOf(
  { invocation, world }: Pick<Job, 'invocation' | 'world'>,
  readsInput: boolean,
): Going {
  const [dryRun, yes, show] = ['--dry-run', '--yes', '--show-secrets'].map(
    (flag) => flagValue(invocation, flag) !== undefined,
  ) as [boolean, boolean, boolean];
  if (!dryRun && !yes) {
    // So that a script fails the first time it runs, and not on the day on which something differs.
    const hint = 'give --yes to do it without asking, or --dry-run to see what would be done';
    if (!world.interactive) throw new UsageError(`nobody can be asked without a terminal; ${hint}`);
    if (readsInput) throw new UsageError(`nobody can be asked while standard input is read; ${hint}`);
    if (wantsJson(invocation)) throw new UsageError(`--json does not ask; ${hint}`);
  }
  return { dryRun, yes, showsSecrets: show || world.terminal };
}

/** Makes changes, if that is wanted or a person agrees. Resolves with what became of each; undefined if they do not. */
export async function carryOutConfirmed(
  { connection, invocation, world }: Job,
  changes: readonly Change[],
  { yes, showsSecrets }: Going,
): Promise<readonly Outcome[] | undefined> {
  if (!yes) {
    const answer = await world.ask('Do this? [y/N] ');
    if (!isYes(answer)) {
      world.err('carillon: nothing was changed\n');
      return undefined;
    }
  }
  const silent = wantsJson(invocation);
  const outcomes = await carryOut(connection, changes, (outcome) => {
    const text = outcomeText(outcome, showsSecrets);
    if (outcome.failure !== undefined) world.err(text);
    else if (!silent) world.out(text);
  });
  const hidden = showsSecrets ? 0 : outcomes.filter(isNewSecret).length;
  if (hidden > 0) {
    world.err(
      `carillon: ${hidden === 1 ? 'a new webhook has a secret that was' : `${hidden} new webhooks have secrets that were`} ` +
        'not shown; give signing.secret in the file, or --show-secrets where no log keeps it\n',
    );
  }
  return outcomes;
}

function isNewSecret({ change, secret }: Outcome): boolean {
  return secret !== '' && change.action !== 'remove' && change.request.signing === undefined;
}
