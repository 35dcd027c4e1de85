import { Worker } from 'node:worker_threads';
import { DomainError } from '../../domain/error.ts';
import { createFeed } from '../calls/feed.ts';
import { storeOn } from '../calls/store.ts';
import type { Store } from '../store.ts';
import { createClient } from './client.ts';
import { type SqliteOptions, settings } from './options.ts';
import type { Response } from './protocol.ts';
import type { WorkerData } from './worker.ts';

/** Development runs the sources, the package what they were compiled to. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** Opens the store in the SQLite file at `path`, or in memory. Raises what `openStore` raises. */
export async function openSqlite(path: string, options: SqliteOptions): Promise<Store> {
  const bounds = settings(options);
  const { restored, noMigrate, waitingMax, namespaceWaitingMax, requestsMax, requestBytesMax } = bounds;
  const workerData: WorkerData = {
    path,
    restored,
    noMigrate,
    waitingMax,
    namespaceWaitingMax,
    requestsMax,
    requestBytesMax,
  };
  const worker = new Worker(WORKER, { workerData, name: 'carillon-sqlite' });
  const { ending, warnings } = await opened(worker);
  for (const warning of warnings) bounds.warn(warning);
  return storeOn(
    { client: createClient(worker, bounds), feed: createFeed(bounds), defaults: bounds },
    ending,
  );
}

/** Waits until the thread has its database. */
function opened(worker: Worker): Promise<Extract<Response, { kind: 'opened' }>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void => reject(new Error(`the database's thread ended with code ${code}`));
    worker.once('error', reject);
    worker.once('exit', ended);
    worker.once('message', (response: Response) => {
      worker.off('error', reject);
      worker.off('exit', ended);
      if (response.kind === 'refused') reject(new DomainError('DATABASE_UNUSABLE', response.message));
      else if (response.kind === 'opened') resolve(response);
      else reject(new Error('the database answered before it was asked'));
    });
  });
}
