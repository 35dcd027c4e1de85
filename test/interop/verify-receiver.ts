import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A receiver of examples/verify, running. Leaving the scope ends it. */
export interface ReceiverProgram extends AsyncDisposable {
  /** Where it says it listens. */
  readonly url: string;
  /** What it has printed since. */
  readonly lines: readonly string[];
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How long it may take until it listens; Java compiles it first. */
const START_MS = 60_000;

export async function startReceiver(
  command: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<ReceiverProgram> {
  const [tool, ...args] = command;
  const child = spawn(tool, args, {
    ...options,
    env: { ...process.env, NODE_OPTIONS: '', PORT: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = once(child, 'close');
  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }
  const lines: string[] = [];
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${command.join(' ')}: ${why}\n${complaints}`));
      const timer = setTimeout(() => fail('it does not listen'), START_MS);
      child.once('error', reject);
      ended.then(
        () => fail('it ended'),
        () => {},
      );
      createInterface(child.stdout).on('line', (line) => {
        const [, listening] = /^listening on (\S+)$/.exec(line) ?? [];
        if (listening === undefined) return void lines.push(line);
        clearTimeout(timer);
        resolve(listening);
      });
    });
    return { url, lines, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
