import { createHash } from 'node:crypto';
import { aborted } from '../../domain/error.ts';
import { type Webhook, webhookIdOf } from '../../domain/webhook/webhook.ts';

/** What changes whenever the webhook is changed (AIP-154). It is made from the version; a caller cannot guess the next. */
export function etagOf({ id, version }: Pick<Webhook, 'id' | 'version'>): string {
  return createHash('sha256').update(`${id}@${version}`).digest('base64url').slice(0, 12);
}

/** Raises ABORTED unless the caller gave no etag, or the one of the webhook as it is now. */
export function checkEtag(webhook: Webhook, etag: string): void {
  if (etag === '' || etag === etagOf(webhook)) return;
  throw aborted('ETAG_MISMATCH', {
    type: 'Webhook',
    id: webhookIdOf(webhook),
    description: `does not have the etag ${JSON.stringify(etag)} now; get it again, and repeat the change with the one that it has`,
  });
}
