import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of ours that answers questions (`answering.ts`) and never outlives the bench. */
export interface Child {
  readonly pid: number;
  readonly ended: boolean;
  /** Rejects when the process ends first, or does not answer in time; `ASK_MS` without one. */
  ask<T>(name: string, about?: unknown, timeoutMs?: number): Promise<T>;
  /** Asks it to stop, then kills it. Tolerates being called twice. */
  stop(graceMs?: number): Promise<void>;
}

export interface ChildOptions {
  readonly file: URL;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A file descriptor for what it prints; the bench's own error output without one. */
  readonly output?: number;
}

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly about: unknown;
}

export interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** The longest that an answer may take; the longest window is shorter. */
const ASK_MS = 60_000;
const STOP_MS = 5_000;

const living = new Set<ChildProcess>();
process.on('exit', killAll);

/** Ends every process that is still there, at once. */
export function killAll(): void {
  for (const child of living) child.kill('SIGKILL');
}

export function startChild(options: ChildOptions): Child {
  const output = options.output ?? 2;
  const child = fork(options.file, options.args, {
    execArgv: [...(options.nodeArgs ?? [])],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output, output, 'ipc'],
  });
  living.add(child);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;

  child.on('message', (reply: Reply) => {
    const question = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) question?.resolve(reply.answer);
    else question?.reject(new Error(reply.error));
  });
  const ended = once(child, 'exit').then(() => {
    living.delete(child);
    for (const question of waiting.values()) question.reject(new Error('the process has ended'));
    waiting.clear();
  });

  return {
    pid: child.pid ?? 0,
    get ended() {
      return !living.has(child);
    },
    ask<T>(name: string, about?: unknown, timeoutMs = ASK_MS): Promise<T> {
      const question = Promise.withResolvers<unknown>();
      const id = ++asked;
      waiting.set(id, question);
      const timer = setTimeout(() => question.reject(new Error(`no answer to "${name}"`)), timeoutMs);
      child.send({ id, name, about } satisfies Question, (error) => {
        if (error !== null) question.reject(error);
      });
      // What it answers is what its `answering` table says.
      return question.promise.finally(() => clearTimeout(timer)) as Promise<T>;
    },
    async stop(graceMs = STOP_MS) {
      if (!living.has(child)) return ended;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
