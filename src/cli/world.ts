import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../domain/clock.ts';

/** What the command line has to do with the process around it. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person reads what `out` prints. */
  readonly terminal: boolean;
  /** How wide the terminal is; undefined when nobody reads there. */
  readonly columns: number | undefined;
  /** Whether a person can be asked: there is a terminal at both ends. */
  readonly interactive: boolean;
  /** The IANA time zone of this machine. */
  readonly timeZone: string;
  /** Milliseconds since the epoch. */
  now(): number;
  out(text: string): void;
  err(text: string): void;
  /** Waits until what was printed has been taken. Resolves with whether anybody reads it still. */
  flush(): Promise<boolean>;
  /** The text of a file, or undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** The bytes of a file, or of standard input for `-`. Rejects when there are more than `bytesMax`. */
  readBytes(path: string, bytesMax: number): Promise<Uint8Array>;
  /**
   * The files in a folder and in those below it, without hidden ones, in order of their names; undefined when
   * it is no folder. Rejects when there are more than `filesMax`.
   */
  listFolder(path: string, filesMax: number): Promise<readonly string[] | undefined>;
  /** Writes a file, and makes the folder that it lies in. */
  writeFile(path: string, text: string): Promise<void>;
  /** Asks a person, and resolves with the line that is answered; with nothing at the end of the input. */
  ask(question: string): Promise<string>;
  /** Calls back for each signal that asks to stop. Returns a way to stop listening. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
  /**
   * Calls back for signals that would otherwise end the process at once, or, as SIGUSR1 does, make Node open a
   * port for a debugger. Returns a way to stop listening.
   */
  onOtherSignal(listener: (signal: OtherSignal) => void): () => void;
  /** Calls back for errors that nobody caught. Returns a way to stop listening. */
  onCrash(listener: (error: unknown) => void): () => void;
  /** Calls back once the process that started this one has ended. Returns a way to stop listening. */
  onOrphaned(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Signals that ask to stop, with the exit code of a process that they ended. */
export const STOP_SIGNALS = { SIGINT: 130, SIGQUIT: 131, SIGUSR2: 140, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof STOP_SIGNALS;

/** How often it is looked whether the process that started this one is still there: nothing tells of it. */
const PARENT_LOOK_MS = 500;

const OTHER_SIGNALS = ['SIGHUP', 'SIGUSR1'] as const;
export type OtherSignal = (typeof OTHER_SIGNALS)[number];

/** The process as it is. */
export function processWorld(): World {
  // A reader that went away (`carillon dev | head`) is no reason to stop ringing, nor to crash.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    env: process.env,
    cwd: process.cwd(),
    terminal: process.stdout.isTTY === true,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    interactive: process.stdout.isTTY === true && process.stdin.isTTY === true,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    now: () => systemClock.now(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    flush: () => new Promise((resolve) => process.stdout.write('', (error) => resolve(!error))),
    async readFile(path) {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async readBytes(path, bytesMax) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
        bytes += (chunk as Uint8Array).length;
        if (bytes > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
        chunks.push(chunk as Uint8Array);
      }
      return Buffer.concat(chunks);
    },
    listFolder,
    async writeFile(path, text) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    },
    async ask(question) {
      process.stderr.write(question);
      try {
        // Not as a terminal of its own, so that Ctrl-C still ends the process.
        for await (const line of createInterface({ input: process.stdin, terminal: false })) return line;
        return '';
      } finally {
        // Nothing else is asked, so it must not keep the process.
        process.stdin.unref();
      }
    },
    onSignal: (listener) => listen(Object.keys(STOP_SIGNALS) as StopSignal[], listener),
    onOtherSignal: (listener) => listen(OTHER_SIGNALS, listener),
    onCrash(listener) {
      // An unhandled rejection becomes one of these.
      process.on('uncaughtException', listener);
      return () => process.off('uncaughtException', listener);
    },
    onOrphaned(listener) {
      const parent = process.ppid;
      const timer = setInterval(() => {
        if (process.ppid === parent) return;
        clearInterval(timer);
        listener();
      }, PARENT_LOOK_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
    exit: (code) => process.exit(code),
  };
}

async function listFolder(path: string, filesMax: number): Promise<readonly string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted(byName)) {
      if (entry.name.startsWith('.')) continue;
      const within = join(folder, entry.name);
      // A link to a file counts as the file, as in a mounted ConfigMap; a link to a folder could lead in a circle.
      const isFile = entry.isFile() || (entry.isSymbolicLink() && (await stat(within)).isFile());
      if (entry.isDirectory()) await walk(within);
      else if (isFile) found.push(within);
      if (found.length > filesMax) throw new Error(`it holds more than ${filesMax} files`);
    }
  };
  await walk(path);
  return found;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function listen<S extends NodeJS.Signals>(signals: readonly S[], listener: (signal: S) => void): () => void {
  // Node calls a listener with the name of the signal that it was added for.
  const heard = listener as (signal: NodeJS.Signals) => void;
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
