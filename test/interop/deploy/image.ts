import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../tool.ts';
import { pairsOf, readDockerfile, type Stage, wordsOf } from './dockerfile.ts';
import { type Env, makeRootFolder, type RootFolder } from './root-folder.ts';

const exec = promisify(execFile);

/** What an image is: files, and how a container of it is started. */
export interface Image {
  readonly root: RootFolder;
  readonly env: Env;
  readonly workdir: string;
  /** The number of the user that it runs as. */
  readonly user: number;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
  /** Those that the stages are made of. */
  readonly bases: readonly string[];
}

/**
 * Takes the steps of deploy/Dockerfile one by one, each stage in a folder of its own in `folder`, since there need be no
 * container engine: the programs of the base image are those of this machine, and its Node is the project's.
 */
export async function buildByHand(folder: string): Promise<Image> {
  const context = join(folder, 'context');
  copyContext(context);
  const stages = readDockerfile(readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8'));
  const built = new Map<string, RootFolder>();
  let last: Omit<Image, 'bases'> | undefined;
  for (const [i, stage] of stages.entries()) {
    last = await buildStage(stage, makeRootFolder(join(folder, `stage-${i}`)), context, built);
    if (stage.name !== undefined) built.set(stage.name, last.root);
  }
  return { ...last!, bases: stages.map(({ from }) => from) };
}

async function buildStage(
  { steps }: Stage,
  root: RootFolder,
  context: string,
  built: ReadonlyMap<string, RootFolder>,
): Promise<Omit<Image, 'bases'>> {
  const image = { root, env: {} as Env, workdir: '/', user: 0 };
  let [entrypoint, cmd, healthcheck]: string[][] = [[], [], []];
  for (const { word, rest } of steps) {
    if (word === 'ENV') image.env = { ...image.env, ...pairsOf(rest) };
    else if (word === 'USER') image.user = Number(rest.split(':')[0]);
    else if (word === 'ENTRYPOINT') entrypoint = wordsOf(rest);
    else if (word === 'CMD') cmd = wordsOf(rest);
    else if (word === 'HEALTHCHECK') healthcheck = wordsOf(rest.slice(rest.indexOf('[')));
    else if (word === 'WORKDIR') {
      image.workdir = resolve(image.workdir, rest);
      mkdirSync(join(root.path, image.workdir), { recursive: true });
    } else if (word === 'COPY') copy(rest, root, image.workdir, context, built);
    else if (word === 'RUN') await runStep(rest, image);
    else if (!['LABEL', 'EXPOSE'].includes(word)) throw new Error(`the test knows no ${word}`);
  }
  return { ...image, entrypoint: entrypoint!, cmd: cmd!, healthcheck: healthcheck! };
}

/** What .dockerignore lets into a build, which says of everything that it does. */
function copyContext(context: string): void {
  const [all, ...let_] = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n').filter(isPattern);
  if (all !== '*' || !let_.every((line) => line.startsWith('!')))
    throw new Error('.dockerignore has to leave out all but what it names');
  for (const line of let_) {
    const path = line.slice(1);
    cpSync(join(ROOT, path), join(context, path), { recursive: true });
  }
}

function isPattern(line: string): boolean {
  return line !== '' && !line.startsWith('#');
}

function copy(
  rest: string,
  root: RootFolder,
  workdir: string,
  context: string,
  built: ReadonlyMap<string, RootFolder>,
): void {
  const words = rest.split(' ');
  const from = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : undefined;
  const origin = from === undefined ? context : built.get(from)!.path;
  const to = words.pop()!;
  for (const source of words) {
    const path = join(origin, source);
    const into = join(root.path, resolve(workdir, to));
    const isFolder = statSync(path).isDirectory();
    cpSync(path, isFolder || !to.endsWith('/') ? into : join(into, basename(source)), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
}

async function runStep(
  rest: string,
  { root, env, workdir }: Omit<Image, 'bases' | 'entrypoint' | 'cmd' | 'healthcheck'>,
): Promise<void> {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:CARILLON_|NODE_)/.test(name));
  const npm = { HOME: '/root', npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false' };
  const options = {
    cwd: workdir,
    env: { ...(Object.fromEntries(own) as Env), ...npm, ...env },
    // For npm, which keeps there what it has fetched before.
    shown: { '/root': homedir() },
  };
  const command = root.command(['sh', '-ec', rest], options);
  await exec(command.file, command.args, { env: command.env, timeout: 300_000, maxBuffer: 64 * 1024 * 1024 });
}
