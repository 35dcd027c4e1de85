import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * A folder that is the root of a process, as that of a container is: programs and libraries are those of this machine,
 * which cannot be changed from in there, and the rest is in the folder. Needs root, and Linux.
 */
export interface RootFolder {
  readonly path: string;
  /** What to spawn for a command in there. It becomes the command itself, so signals reach that. */
  command(words: readonly string[], options: CommandOptions): { file: string; args: string[]; env: Env };
}

export type Env = Readonly<Record<string, string>>;

export interface CommandOptions {
  /** Where it is run, in there. */
  readonly cwd: string;
  readonly env: Env;
  /** Where programs are looked for; without it, the project's Node first. */
  readonly path?: string;
  /** The number of a user and a group without any rights; root without it. */
  readonly user?: number;
  /** Folders in there that can be written, when all else cannot be; all of it without. */
  readonly volumes?: Readonly<Record<string, string>>;
  /** Folders and files of this machine that are seen in there, by their paths in there. */
  readonly shown?: Readonly<Record<string, string>>;
}

const NODE_FOLDER = '/opt/node';

export function makeRootFolder(path: string): RootFolder {
  for (const folder of ['usr', 'etc', 'dev', 'proc', 'tmp', 'root', NODE_FOLDER])
    mkdirSync(join(path, folder), { recursive: true });
  for (const folder of ['bin', 'lib', 'lib64', 'sbin'])
    if (!existsSync(join(path, folder))) symlinkSync(`usr/${folder}`, join(path, folder));

  return {
    path,
    command(words, { cwd, env, path: given, user, volumes, shown = {} }) {
      const binds = { '/usr': '/usr', '/etc': '/etc', [NODE_FOLDER]: dirname(process.execPath) };
      const within = (inside: string) => shellWord(join(path, inside));
      const steps = [
        `mount --bind ${within('/')} ${within('/')}`,
        ...Object.entries(binds).flatMap(([inside, outside]) => [
          `mount --bind ${shellWord(outside)} ${within(inside)}`,
          `mount -o remount,bind,ro ${within(inside)}`,
        ]),
        `mount --rbind /dev ${within('/dev')}`,
        `mount --rbind /proc ${within('/proc')}`,
        ...Object.entries({ ...shown, ...volumes }).map(
          ([inside, outside]) => `mount --bind ${shellWord(outside)} ${within(inside)}`,
        ),
        ...(volumes === undefined ? [] : [`mount -o remount,bind,ro ${within('/')}`]),
        `exec chroot ${within('/')} "$@"`,
      ];
      const as = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--no-new-privs'];
      const asUser = ['setpriv', ...as, '--bounding-set=-all', '--inh-caps=-all', '--'];
      const search = [NODE_FOLDER, '/usr/local/bin', '/usr/bin', '/usr/sbin', '/bin'].join(delimiter);
      return {
        file: 'unshare',
        args: [
          ...['--mount', '--propagation=private', 'sh', '-ec', steps.join('\n'), 'sh'],
          ...(user === undefined ? [] : asUser),
          ...['env', `--chdir=${cwd}`, `PATH=${given ?? search}`, ...words],
        ],
        env: { ...env, PATH: search },
      };
    },
  };
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
