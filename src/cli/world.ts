import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../domain/clock.ts';

/** What the command line has to do with the process around it. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person reads what `out` prints. */
  readonly terminal: boolean;
  /** How wide the terminal is; undefined when nobody reads there. */
  readonly columns: number | undefined;
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
  /** Asks the person at the terminal a question of yes or no; undefined when nobody is there. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Calls back for each signal that asks to stop. Returns a way to stop listening. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
  /**
   * Calls back for signals that would otherwise end the process at once, or, as SIGUSR1 does, make Node open a
   * port for a debugger. Returns a way to stop listening.
   */
  onOtherSignal(listener: (signal: OtherSignal) => void): () => void;
  /** Calls back for errors that nobody caught. Returns a way to stop listening. */
  onCrash(listener: (error: unknown) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Signals that ask to stop, with the exit code of a process that they ended. */
export const STOP_SIGNALS = { SIGINT: 130, SIGQUIT: 131, SIGUSR2: 140, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof STOP_SIGNALS;

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
    async confirm(question) {
      if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return undefined;
      const { createInterface } = await import('node:readline/promises');
      const lines = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
      } finally {
        lines.close();
      }
    },
    onSignal: (listener) => listen(Object.keys(STOP_SIGNALS) as StopSignal[], listener),
    onOtherSignal: (listener) => listen(OTHER_SIGNALS, listener),
    onCrash(listener) {
      // An unhandled rejection becomes one of these.
      process.on('uncaughtException', listener);
      return () => process.off('uncaughtException', listener);
    },
    exit: (code) => process.exit(code),
  };
}

function listen<S extends NodeJS.Signals>(signals: readonly S[], listener: (signal: S) => void): () => void {
  // Node calls a listener with the name of the signal that it was added for.
  const heard = listener as (signal: NodeJS.Signals) => void;
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
