/** A line of a crontab that runs a command. */
export interface Job {
  readonly line: number;
  /** Five fields, or a nickname such as `@daily`. */
  readonly schedule: string;
  /** What the shell is given. */
  readonly command: string;
  /** What the command reads from standard input: what stands behind its first `%`. */
  readonly input: string | undefined;
  /** What the lines above have set. */
  readonly env: ReadonlyMap<string, string>;
}

/** A line that is not taken, and why. */
export interface Refusal {
  readonly line: number;
  readonly reason: string;
}

const SETTING = /^(["']?)([A-Za-z_][A-Za-z0-9_]*)\1[ \t]*=[ \t]*(.*)$/;
const NICKNAMES: ReadonlySet<string> = new Set([
  ...['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'],
]);

/**
 * Reads a crontab as crontab(5) has it. With `system` a user stands before each command, as in /etc/crontab.
 * A comment fills a line: behind a command `#` is the shell's.
 */
export function parseCrontab(
  text: string,
  { system }: { readonly system: boolean },
): { jobs: Job[]; refusals: Refusal[] } {
  const jobs: Job[] = [];
  const refusals: Refusal[] = [];
  let env: ReadonlyMap<string, string> = new Map();
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const written = raw.trim();
    if (written === '' || written.startsWith('#')) continue;
    const line = i + 1;
    const setting = SETTING.exec(written);
    if (setting !== null) {
      env = new Map([...env, [setting[2]!, unquoted(setting[3]!)]]);
      continue;
    }
    const job = jobOf(written, system);
    if (typeof job === 'string') refusals.push({ line, reason: job });
    else jobs.push({ line, env, ...job });
  }
  return { jobs, refusals };
}

/** What stands on a line; or why it is none that runs a command by time. */
function jobOf(written: string, system: boolean): Pick<Job, 'schedule' | 'command' | 'input'> | string {
  const nickname = written.startsWith('@');
  const fields = nickname ? 1 : 5;
  const pattern = new RegExp(`^((?:\\S+[ \\t]+){${fields}})${system ? '\\S+[ \\t]+' : ''}(.*)$`);
  const [, when = '', rest = ''] = pattern.exec(written) ?? [];
  const schedule = when.trim().replaceAll(/[ \t]+/g, ' ');
  if (schedule === '') {
    const user = system ? ', a user' : '';
    return `it is no setting, and has no ${nickname ? 'nickname' : 'five fields of time'}${user} and command`;
  }
  if (/^@reboot$/i.test(schedule)) return '@reboot runs when a machine starts, and not by time';
  if (nickname && !NICKNAMES.has(schedule.toLowerCase())) {
    return `${schedule} is no time; there are ${[...NICKNAMES].join(', ')}`;
  }
  return { schedule: nickname ? schedule.toLowerCase() : schedule, ...divided(rest) };
}

/** The first `%` ends the command, and each further one is a line break in its input; `\%` is a `%`. */
function divided(rest: string): Pick<Job, 'command' | 'input'> {
  const [command = '', ...lines] = rest.split(/(?<!\\)%/).map((part) => part.replaceAll('\\%', '%'));
  if (lines.length === 0) return { command, input: undefined };
  const input = lines.join('\n');
  return { command, input: input === '' || input.endsWith('\n') ? input : `${input}\n` };
}

function unquoted(value: string): string {
  const [, , inner] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return inner ?? value;
}
