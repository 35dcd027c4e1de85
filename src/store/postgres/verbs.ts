import type { RequestBounds } from '../../domain/claim.ts';
import type { Context } from './context.ts';
import { deliveryVerbs } from './lists/deliveries.ts';
import { eventVerbs } from './lists/events.ts';
import type { Together, Verbs } from './protocol.ts';
import { auditVerbs } from './verbs/audit.ts';
import { backfillVerbs } from './verbs/backfills.ts';
import { changeVerbs } from './verbs/changes.ts';
import { clockVerbs } from './verbs/clock.ts';
import { consentVerbs } from './verbs/consents.ts';
import { cursorVerbs } from './verbs/cursors.ts';
import { runVerbs } from './verbs/firings.ts';
import { keyVerbs } from './verbs/keys.ts';
import { movingVerbs } from './verbs/moving.ts';
import { namespaceKeyVerbs } from './verbs/namespace-keys.ts';
import { namespaceVerbs } from './verbs/namespaces.ts';
import { orderVerbs } from './verbs/orders.ts';
import { overflowVerbs } from './verbs/overflow.ts';
import { publishVerbs, replayVerbs } from './verbs/publications.ts';
import { purgeVerbs } from './verbs/purge.ts';
import { webhookVerbs } from './verbs/registrations.ts';
import { requestVerbs } from './verbs/requests.ts';
import { sealingVerbs } from './verbs/sealing.ts';
import { settleVerbs } from './verbs/settlements.ts';
import { standbyVerbs } from './verbs/standing-by.ts';
import { matchVerbs } from './verbs/subscriptions.ts';
import { sweepVerbs } from './verbs/sweep.ts';
import { waitingVerbs } from './verbs/waiting.ts';

/** All verbs, and those of which several calls are run as one. */
export function allVerbs(context: Context, bounds: RequestBounds): { verbs: Verbs; together: Together } {
  const { together: publishing, ...publish } = publishVerbs(context);
  const { together: firing, ...runs } = runVerbs(context);
  const { together: settling, ...settle } = settleVerbs(context);
  const verbs: Verbs = {
    ...namespaceVerbs(context),
    ...webhookVerbs(context),
    ...sealingVerbs(context),
    ...publish,
    ...replayVerbs(context),
    ...consentVerbs(context),
    ...matchVerbs(context),
    ...runs,
    ...backfillVerbs(context),
    ...cursorVerbs(context),
    ...overflowVerbs(context),
    ...waitingVerbs(context),
    ...settle,
    ...deliveryVerbs(context),
    ...changeVerbs(context),
    ...orderVerbs(context),
    ...eventVerbs(context),
    ...purgeVerbs(context),
    ...requestVerbs(context.db, bounds),
    ...namespaceKeyVerbs(context),
    ...keyVerbs(context),
    ...auditVerbs(context),
    ...standbyVerbs(context),
    ...movingVerbs(context),
    ...sweepVerbs(context),
    ...clockVerbs(context),
  };
  return { verbs, together: { ...publishing, ...firing, ...settling } };
}
