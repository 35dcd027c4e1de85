import { withoutQuery } from '../domain/webhook/destination.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** Webhooks that are named at a start, a line each. */
const NAMED_MAX = 100;

/** Says which webhooks take any certificate, so that nobody forgets that they do. */
export async function tellOfUnverified({
  store,
  log,
}: {
  readonly store: Pick<Store, 'unverifiedWebhooks'>;
  readonly log: Log;
}): Promise<void> {
  const found = await store.unverifiedWebhooks(NAMED_MAX + 1);
  for (const webhook of found.slice(0, NAMED_MAX)) warnOfUnverified(log, webhook);
  if (found.length > NAMED_MAX) {
    log.warn(
      { named: NAMED_MAX },
      'there are more webhooks whose destinations are not verified: list those of a namespace with the filter warnings:TLS_NOT_VERIFIED',
    );
  }
}

export function warnOfUnverified(log: Log, webhook: Webhook): void {
  const { id: webhookId, namespace, spec } = webhook;
  const destination = withoutQuery(spec.destination);
  log.warn(
    { webhookId, namespace, destination },
    `webhook ${webhookIdOf(webhook)} takes any certificate: whoever is on the way to ${destination} can read and change what it sends; give it tls.ca_bundle, and take tls.insecure_skip_verify away`,
  );
}
