/**
 * Loaded into the measured server by `--import`, to be asked what only the process itself can tell
 * exactly: its CPU time, of all threads, and its heap after a collection.
 */
import { isMainThread } from 'node:worker_threads';
import { answering } from './answering.ts';

export interface Memory {
  /** What lives on the main thread's heap, and beside it in array buffers. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

const answers = {
  cpuUs: (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory: (): Memory => {
    // Twice: what the first frees may have held array buffers.
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heapBytes: heapUsed + external, residentBytes: rss };
  },
};

// Threads of the server load it too.
if (isMainThread) answering(answers, { guest: true });
