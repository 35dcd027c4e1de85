import type { Clock } from '../domain/clock.ts';
import { type KeysOf, keysAt, verify } from '../domain/webhook/signature.ts';
import type { Verify } from '../inbox/receive.ts';
import type { Directory } from '../store/directory.ts';
import type { Store } from '../store/store.ts';

export interface InboxVerifyDeps {
  readonly store: Pick<Store, 'sendersOf'>;
  readonly directory: Pick<Directory, 'load'>;
  readonly keysOf: KeysOf;
  readonly clock: Clock;
}

/**
 * Checks what arrives in an inbox as its receiver would. Only this server's own deliveries can be: the
 * webhook-id leads to the webhook, and that to its secret. From anybody else the signature is unknown.
 */
export function inboxVerify({ store, directory, keysOf, clock }: InboxVerifyDeps): Verify {
  return async ({ headers, body }) => {
    const id = headers['webhook-id'];
    if (typeof id !== 'string') return 'unknown';
    const [sender] = await store.sendersOf([id]);
    if (sender === undefined) return 'unknown';
    const [webhook] = await directory.load([sender]);
    if (webhook === undefined) return 'unknown';
    const now = clock.now();
    return verify({ secrets: keysAt(keysOf(webhook).secrets, now), headers, body, now });
  };
}
