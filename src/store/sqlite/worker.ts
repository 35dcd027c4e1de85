/**
 * The database's thread. It takes one message at a time: it runs the calls, commits once, and answers. A
 * mistake here ends the thread. The other side sees that, so no call is left without an answer.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { RequestBounds } from '../../domain/claim.ts';
import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { DomainError } from '../../domain/error.ts';
import { createContext } from './context.ts';
import { createCustody } from './custody.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import { isDiskFailure, isTrouble } from './driver.ts';
import { createEnter } from './entering.ts';
import { createGroup } from './group.ts';
import { deliveryVerbs } from './lists/deliveries.ts';
import { eventVerbs } from './lists/events.ts';
import type { Request, Response } from './protocol.ts';
import { auditVerbs } from './verbs/audit.ts';
import { backfillVerbs } from './verbs/backfills.ts';
import { changeVerbs } from './verbs/changes.ts';
import { clockVerbs } from './verbs/clock.ts';
import { consentVerbs } from './verbs/consents.ts';
import { cursorVerbs } from './verbs/cursors.ts';
import { runVerbs } from './verbs/firings.ts';
import { keyVerbs } from './verbs/keys.ts';
import { logVerbs } from './verbs/log.ts';
import { movingVerbs } from './verbs/moving.ts';
import { namespaceKeyVerbs } from './verbs/namespace-keys.ts';
import { namespaceVerbs } from './verbs/namespaces.ts';
import { orderVerbs } from './verbs/orders.ts';
import { overflowVerbs } from './verbs/overflow.ts';
import { publishVerbs } from './verbs/publications.ts';
import { purgeVerbs } from './verbs/purge.ts';
import { webhookVerbs } from './verbs/registrations.ts';
import { requestVerbs } from './verbs/requests.ts';
import { sealingVerbs } from './verbs/sealing.ts';
import { settleVerbs } from './verbs/settlements.ts';
import { standbyVerbs } from './verbs/standing-by.ts';
import { matchVerbs } from './verbs/subscriptions.ts';
import { sweepVerbs } from './verbs/sweep.ts';
import { selectEnding, waitingVerbs } from './verbs/waiting.ts';

/** What the thread is given when it starts. */
export interface WorkerData extends WaitingBounds, RequestBounds {
  readonly path: string;
  readonly restored: boolean;
}

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');
const { path, restored, ...bounds } = workerData as WorkerData;
const say = (response: Response): void => port.postMessage(response);

const db = open();
if (db !== undefined) {
  const ending = selectEnding(db);
  serve(db);
  say({ kind: 'opened', ending, warnings: db.warnings });
}

function open(): OpenDatabase | undefined {
  try {
    return openDatabase(path, { restored });
  } catch (error) {
    // Anything else is a bug, and ends the thread.
    if (!(error instanceof DomainError)) throw error;
    say({ kind: 'refused', message: error.message });
    return undefined;
  }
}

function serve(db: OpenDatabase): void {
  const context = createContext(db, bounds);
  const custody = createCustody(db);
  const verbs = {
    ...namespaceVerbs(context),
    ...webhookVerbs(context),
    ...sealingVerbs(context),
    ...consentVerbs(context),
    ...publishVerbs(context),
    ...matchVerbs(context),
    ...runVerbs(context),
    ...backfillVerbs(context),
    ...cursorVerbs(context),
    ...overflowVerbs(context),
    ...waitingVerbs(context),
    ...settleVerbs(context),
    ...deliveryVerbs(context),
    ...changeVerbs(context),
    ...orderVerbs(context),
    ...eventVerbs(context),
    ...purgeVerbs(context),
    ...requestVerbs(db, bounds),
    ...namespaceKeyVerbs(context),
    ...keyVerbs(context),
    ...auditVerbs(context),
    ...standbyVerbs(db),
    ...movingVerbs(context),
    ...sweepVerbs(context),
    ...clockVerbs(context),
    ...logVerbs(context, db.file, custody.emptied),
    checkUp: custody.checkUp,
  };
  const { memory } = context;
  const run = createGroup({ db, verbs, memory, isTrouble, isDiskFailure, custody, enter: createEnter(db) });

  port?.on('message', (request: Request) => {
    if (request === 'close') {
      db.close();
      custody.close();
      port?.close();
      return;
    }
    say({ kind: 'replies', replies: run(request.calls) });
  });
}
