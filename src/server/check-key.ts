import type { KeysOf } from '../domain/webhook/signature.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';

type WebhooksOf = Pick<Store, 'listSealKeys' | 'listNamespaces' | 'namespaceUsage' | 'listWebhooks'>;

/** Namespaces at a time. */
const PAGE = 500;

/** Better not to start than to sign nothing: a key that does not open the secrets is the wrong key. */
export async function checkKey(store: WebhooksOf, keysOf: KeysOf): Promise<void> {
  // Once everything was sealed anew, whatever a key opened says which key that is, and none of those is missing
  // (`openSealRotation`). What no key opened then is damaged, and says nothing of them.
  const uses = await store.listSealKeys();
  if (uses.some(({ aloneAt }) => aloneAt !== undefined)) return;
  const webhook = await anyWebhook(store);
  if (webhook !== undefined) keysOf(webhook);
}

/** One webhook, of whichever namespace has any. */
async function anyWebhook(store: WebhooksOf): Promise<Webhook | undefined> {
  for (let after = ''; ; ) {
    const names = (await store.listNamespaces({ after, limit: PAGE })).map(({ name }) => name);
    const usage = await store.namespaceUsage(names);
    for (const [i, namespace] of names.entries()) {
      if (usage[i]!.webhooks === 0) continue;
      const [webhook] = await store.listWebhooks({ namespace, limit: 1 });
      if (webhook !== undefined) return webhook;
    }
    if (names.length < PAGE) return undefined;
    after = names.at(-1)!;
  }
}
