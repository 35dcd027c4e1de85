import { DomainError } from '../domain/error.ts';
import { sealedWith } from '../domain/seal.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { NamespaceKeys, RememberedRequest, RequestName, Resealed, Sealing } from '../store/store.ts';
import { type Resealing, sealedOfWebhook } from './resealing.ts';

/** The verbs by which everything that is sealed is found, and sealed anew. */
export type SealedStore = Pick<
  Sealing,
  'walkWebhooks' | 'walkRequests' | 'resealWebhooks' | 'resealNamespaceKeys' | 'resealRequests'
> &
  Pick<NamespaceKeys, 'listNamespaceKeys'>;

/** A kind of thing of which something is sealed, and how all of that kind are gone through. */
interface Kind<Row, Place> {
  readonly read: (after: Place | undefined) => Promise<readonly Row[]>;
  readonly placeOf: (row: Row) => Place;
  readonly sealedOf: (row: Row) => readonly Uint8Array[];
  /** The same object where nothing is to be done. Raises what `unseal` raises. */
  readonly reseal: (row: Row) => Row;
  readonly write: (pairs: readonly Resealed<Row>[]) => Promise<boolean[]>;
  /** For people. */
  readonly nameOf: (row: Row) => string;
  /** Told of each row. */
  readonly note?: (row: Row) => void;
}

/** What one step of going through everything came to. */
export interface Step {
  readonly looked: number;
  readonly resealed: number;
  /** Changed by others in between: to be looked at again. */
  readonly stale: number;
  /** What no key opens. */
  readonly unreadable: readonly string[];
}

/** Goes through all of a kind, a part at a time. */
export interface Walker {
  /** Seals a part anew; undefined at the end. A step that fails is made again by the next call. */
  reseal(): Promise<Step | undefined>;
  /** Looks through a part: the first that one of these keys sealed, and which key; undefined for none, and at the end. */
  find(
    keyIds: readonly string[],
  ): Promise<'NONE' | { readonly keyId: string; readonly name: string } | undefined>;
}

/** Webhooks at a time. A part of them is shorter where they are large. */
const WEBHOOKS = 50;
const NAMESPACE_KEYS = 200;
const REQUESTS = 200;

/** One walker for each kind of thing of which something is sealed: whatever is sealed at rest is listed here. */
export function walkersOf(
  store: SealedStore,
  resealing: Resealing,
  noteRequest: (request: RememberedRequest) => void,
): Walker[] {
  return [
    walker<Webhook, string>({
      read: (after) => store.walkWebhooks({ after, limit: WEBHOOKS }),
      placeOf: ({ id }) => id,
      sealedOf: sealedOfWebhook,
      reseal: resealing.webhook,
      write: (pairs) => store.resealWebhooks(pairs),
      nameOf: (webhook) =>
        `a secret of the webhook ${webhookIdOf(webhook)} in the namespace ${webhook.namespace}`,
    }),
    walker({
      read: (after: string = '') => store.listNamespaceKeys({ after, limit: NAMESPACE_KEYS }),
      placeOf: ({ namespace }) => namespace,
      sealedOf: ({ sealed }) => [sealed],
      reseal: resealing.namespaceKey,
      write: (pairs) => store.resealNamespaceKeys(pairs),
      nameOf: ({ namespace }) => `the signing key of the namespace ${namespace}`,
    }),
    walker<RememberedRequest, RequestName>({
      read: (after) => store.walkRequests({ after, limit: REQUESTS }),
      placeOf: (request) => request,
      sealedOf: ({ answer }) => (answer === undefined ? [] : [answer]),
      reseal: resealing.request,
      write: (pairs) => store.resealRequests(pairs),
      nameOf: ({ namespace }) => `the answer to a call with a request_id in the namespace ${namespace}`,
      note: noteRequest,
    }),
  ];
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function walker<Row, Place>(kind: Kind<Row, Place>): Walker {
  let after: Place | undefined;

  async function step<T>(work: (rows: readonly Row[]) => Promise<T> | T): Promise<T | undefined> {
    const rows = await kind.read(after);
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    const result = await work(rows);
    after = kind.placeOf(last);
    return result;
  }

  async function resealAll(rows: readonly Row[]): Promise<Step> {
    const pairs: Resealed<Row>[] = [];
    const unreadable: string[] = [];
    for (const from of rows) {
      kind.note?.(from);
      try {
        const to = kind.reseal(from);
        if (to !== from) pairs.push({ from, to });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        unreadable.push(kind.nameOf(from));
      }
    }
    const written = pairs.length === 0 ? [] : await kind.write(pairs);
    const resealed = written.filter(Boolean).length;
    return { looked: rows.length, resealed, stale: pairs.length - resealed, unreadable };
  }

  return {
    reseal: () => step(resealAll),
    find: (keyIds) =>
      step((rows) => {
        for (const row of rows) {
          for (const sealed of kind.sealedOf(row)) {
            const keyId = sealedWith(sealed);
            if (keyId !== undefined && keyIds.includes(keyId)) return { keyId, name: kind.nameOf(row) };
          }
        }
        return 'NONE';
      }),
  };
}
