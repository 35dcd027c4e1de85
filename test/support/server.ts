import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The product as people run it: `node src/main.ts` in a process of its own.
 *
 *     await using carillon = await startCarillon({ command: 'serve' });
 *     await fetch(`${carillon.url}/webhooks`);
 *     assert.deepEqual(await carillon.stop('SIGTERM'), { code: 0, signal: null });
 *
 * Leaving the scope kills what still runs and removes its folder.
 */
export interface CarillonProcess extends Program {
  /** `http://127.0.0.1:<port>`, no slash at the end. */
  readonly url: string;
  readonly port: number;
  /** `127.0.0.1:<port>` of native gRPC; empty when it is off. */
  readonly grpcAddress: string;
  /** Where it runs and keeps its database. */
  readonly folder: string;
}

/** A run of the command line, whether it serves or refuses to. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** What it has printed so far. */
  readonly output: Output;
  readonly exited: Promise<Exit>;
  /** Resolves with the matching log lines once there are `count`; rejects when that takes too long. */
  logged(matches: (line: LogEntry) => boolean, count?: number): Promise<LogEntry[]>;
  /** Sends a signal, unless it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Sends a signal and resolves once it has ended. */
  stop(signal: NodeJS.Signals): Promise<Exit>;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of its output that are log lines. */
  readonly log: readonly LogEntry[];
}

export interface LogEntry {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CarillonOptions {
  readonly command: 'dev' | 'serve';
  /** More flags. It listens on free ports of 127.0.0.1 unless they say otherwise. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The most files that it may have open; as many as this process without one. */
  readonly openFilesMax?: number;
  /** Where it runs, which is then kept; a fresh folder without one. */
  readonly cwd?: string;
}

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** How long to wait for what should take a moment, also on a busy machine. */
const PATIENCE_MS = 60_000;

/** Children that must not outlive this process, however it ends. */
const running = new Set<() => void>();
process.on('exit', () => {
  for (const kill of running) kill();
});

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'carillon-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A port of 127.0.0.1 on which nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server and resolves once it says where it listens; rejects with its output if it ends first. */
export async function startCarillon(options: CarillonOptions): Promise<CarillonProcess> {
  const { command, args = [], env = {}, openFilesMax } = options;
  const fresh = options.cwd === undefined ? await temporaryFolder() : undefined;
  const folder = options.cwd ?? fresh!.path;
  const listen = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];
  const program = runCarillon([command, ...listen, ...args], {
    cwd: folder,
    env,
    ...(openFilesMax !== undefined && { openFilesMax }),
  });
  async function dispose(): Promise<void> {
    await program.stop('SIGKILL');
    await fresh?.[Symbol.asyncDispose]();
  }
  try {
    const { url, grpcAddress } = await program.printed(listeningAt);
    const port = Number(new URL(url).port);
    return { ...program, url, port, grpcAddress, folder, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** `printed` resolves with the first answer other than undefined about its output. */
export type RunningProgram = Program & { printed<T>(ask: (output: Output) => T | undefined): Promise<T> };

/** Runs the command line. */
export function runCarillon(
  argv: readonly string[],
  { cwd, env = {}, openFilesMax }: Pick<CarillonOptions, 'env' | 'openFilesMax'> & { readonly cwd: string },
): RunningProgram {
  const limited = ['sh', '-c', `ulimit -n ${openFilesMax}; exec "$0" "$@"`];
  const [file, ...words] = [
    ...(openFilesMax === undefined ? [] : limited),
    process.execPath,
    MAIN,
    ...argv,
  ] as const;
  return runProgram(file!, words, { cwd, env: { ...neutralEnv(), ...env } });
}

/** Runs the program as `file`, `words` and `env` have it, and nothing else. */
export function runProgram(
  file: string,
  words: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): RunningProgram {
  const child = spawn(file, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: LogEntry[] = [];
  const output = { stdout: '', stderr: '', log };
  const watchers = new Set<() => void>();
  let unfinished = '';
  let ended: Exit | undefined;

  function tell(): void {
    for (const watcher of watchers) watcher();
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) log.push(JSON.parse(line) as LogEntry);
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
    tell();
  });

  function kill(signal: NodeJS.Signals): void {
    child.kill(signal);
  }
  const killAtExit = (): void => kill('SIGKILL');
  running.add(killAtExit);
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    // Later than 'exit': what it printed last has been read too.
    child.once('close', (code, signal) => {
      running.delete(killAtExit);
      ended = { code, signal };
      resolve(ended);
      tell();
    });
  });

  function printed<T>(ask: (output: Output) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish('it did not within 30 s'), PATIENCE_MS);
      function finish(failure: string): void {
        clearTimeout(timer);
        watchers.delete(check);
        reject(new Error(`${[file, ...words].join(' ')}: ${failure}\n${output.stdout}${output.stderr}`));
      }
      function check(): void {
        const answer = ask(output);
        if (answer !== undefined) {
          resolve(answer);
          clearTimeout(timer);
          watchers.delete(check);
        } else if (ended !== undefined) finish(`it ended with ${ended.signal ?? ended.code} before it did`);
      }
      watchers.add(check);
      check();
    });
  }

  async function stop(signal: NodeJS.Signals): Promise<Exit> {
    kill(signal);
    return exited;
  }

  return {
    pid: child.pid ?? 0,
    output,
    exited,
    printed,
    logged(matches, count = 1) {
      return printed(({ log: lines }) => {
        const found = lines.filter(matches);
        return found.length >= count ? found : undefined;
      });
    },
    kill,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL');
    },
  };
}

/** Settings of whoever runs the tests are not the test's. */
function neutralEnv(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_'));
  return { ...Object.fromEntries(entries), NODE_OPTIONS: '', NO_COLOR: '1' };
}

/** Where the banner of `dev`, or the log of `serve`, says that it listens. */
function listeningAt({ stdout, log }: Output): { url: string; grpcAddress: string } | undefined {
  const line = log.find(({ msg }) => msg === 'listening');
  if (line !== undefined) {
    return { url: String(line.url), grpcAddress: line.grpc === 'off' ? '' : String(line.grpc) };
  }
  // The line after those of the addresses, so that they are whole.
  if (!/^ +Data +\S/m.test(stdout)) return undefined;
  const [, url = ''] = /^ +API +(https?:\S+)$/m.exec(stdout) ?? [];
  const [, grpcAddress = ''] = /^ +gRPC +(\S+)$/m.exec(stdout) ?? [];
  return { url, grpcAddress };
}
