import { boundedCache } from '../domain/bounded-cache.ts';
import type { DeliveryFormat } from '../domain/event/event.ts';
import { rendersEvents } from '../domain/template/header-templates.ts';
import { deliveryFormatOf } from '../domain/webhook/payload.ts';
import type { Directory } from '../store/directory.ts';
import type { Store, TypeMatch } from '../store/store.ts';

/** The webhooks that events of one type in one namespace ring. */
export interface Audience {
  /** Those that get every such event, with nothing to be rendered: all there is to know of them. */
  readonly plain: readonly Listener[];
  /** The ids of those that filter, or render. */
  readonly choosy: readonly string[];
}

export interface Listener {
  readonly webhookId: string;
  readonly format: DeliveryFormat;
}

/**
 * Audiences by namespace and type, remembered for as long as the store says that no webhook has changed.
 * An event of a type that was published before costs no read, however many webhooks there are.
 */
export interface Audiences {
  /** What is remembered, if it still holds. */
  known(question: TypeMatch): Audience | undefined;
  /** The audience of each, in order, with one read for all that is not remembered. */
  find(questions: readonly TypeMatch[]): Promise<Audience[]>;
}

export interface AudienceDeps {
  readonly store: Pick<Store, 'matchWebhooks' | 'webhookEpoch'>;
  readonly directory: Pick<Directory, 'load'>;
}

/** Webhooks and types remembered, all audiences together. One takes some 60 bytes. */
const REMEMBERED_MAX = 200_000;
/** Webhooks loaded at a time. */
const LOAD_BATCH = 1_000;

export function createAudiences({ store, directory }: AudienceDeps): Audiences {
  const remembered = boundedCache<string, Audience>(REMEMBERED_MAX, sizeOf);
  /** The store's epoch before what is remembered was read. */
  let epoch: number | undefined;

  function known(question: TypeMatch): Audience | undefined {
    const now = store.webhookEpoch();
    return now === undefined || now !== epoch ? undefined : remembered.get(keyOf(question));
  }

  async function audienceOf(ids: readonly string[]): Promise<Audience> {
    const plain: Listener[] = [];
    const choosy: string[] = [];
    for (let i = 0; i < ids.length; i += LOAD_BATCH) {
      for (const webhook of await directory.load(ids.slice(i, i + LOAD_BATCH))) {
        if (webhook === undefined) continue;
        const { filter, payload } = webhook.effective;
        if (filter !== undefined || rendersEvents(payload)) choosy.push(webhook.id);
        else plain.push({ webhookId: webhook.id, format: deliveryFormatOf(payload) });
      }
    }
    return { plain, choosy };
  }

  return {
    known,
    async find(questions) {
      const found = new Map<string, Audience>();
      const missing = new Map<string, TypeMatch>();
      for (const { namespace, type } of questions) {
        const key = keyOf({ namespace, type });
        const audience = known({ namespace, type });
        if (audience !== undefined) found.set(key, audience);
        else missing.set(key, { namespace, type });
      }
      const before = store.webhookEpoch();
      const matches = missing.size === 0 ? [] : await store.matchWebhooks([...missing.values()]);
      for (const [i, key] of [...missing.keys()].entries()) {
        found.set(key, await audienceOf(matches[i]!));
      }
      // What changed while it was read may be in it or not.
      if (before !== undefined && store.webhookEpoch() === before) {
        if (epoch !== before) remembered.clear();
        epoch = before;
        for (const key of missing.keys()) remembered.set(key, found.get(key)!);
      }
      return questions.map((question) => found.get(keyOf(question))!);
    },
  };
}

/** Neither a namespace nor a type has a line break in it. */
function keyOf({ namespace, type }: TypeMatch): string {
  return `${namespace}\n${type}`;
}

function sizeOf({ plain, choosy }: Audience): number {
  return 1 + plain.length + choosy.length;
}
