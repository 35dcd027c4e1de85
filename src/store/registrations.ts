/** Webhooks as they are registered. Which errors the port raises, and when, is said in `store.ts`. */
import type { Condition } from '../domain/listing/condition.ts';
import type { WebhookOrder } from '../domain/listing/place.ts';
import type { RunCursor } from '../domain/schedule/schedule.ts';
import type { FieldChanges } from '../domain/webhook/changed-fields.ts';
import type { Consent } from '../domain/webhook/consent.ts';
import type { Traffic } from '../domain/webhook/traffic.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Part } from './delivery-log.ts';

export interface Registrations {
  /**
   * Inserts webhooks. 'EXISTS' for one whose (namespace, name, destination) or (namespace, caller's id) is
   * taken, by a stored webhook or an earlier one of the batch; 'FULL' where the namespace has as many as it may, and
   * 'SHUT' where it is being deleted or was. The others are inserted all the same. Raises UNAVAILABLE and EXHAUSTED.
   */
  createWebhooks(batch: readonly Webhook[]): Promise<('CREATED' | 'EXISTS' | 'FULL' | 'SHUT')[]>;

  /**
   * Replaces webhooks, each only if its stored version is still `ifVersion`; otherwise it is 'STALE'.
   * Id, caller's id, namespace and creation time stay as they are. The run cursor is replaced only if `cursorFrom` is
   * given, and is 'STALE' unless that equals the nominal time and the counters of the stored cursor. The
   * lane's health is replaced only when `resetHealth` is set, and begins with the new version then; the count of
   * filter failures never is; what its destination has said is replaced only when `resetConsent` is set.
   * 'EXISTS' when another webhook has the new (namespace, name, destination); 'NOT_FOUND' when the webhook
   * is gone. Raises UNAVAILABLE and EXHAUSTED.
   */
  updateWebhooks(batch: readonly WebhookUpdate[]): Promise<('UPDATED' | 'STALE' | 'EXISTS' | 'NOT_FOUND')[]>;

  /**
   * The webhooks with these ids, in the same order, for whoever rings them: `suspended` with their namespace; undefined
   * where there is none, or none any more because its namespace is being deleted. Raises UNAVAILABLE and EXHAUSTED.
   */
  getWebhooks(ids: readonly string[]): Promise<(Webhook | undefined)[]>;

  /**
   * The webhooks that callers mean by these ids, in the same order: an id that a caller gave within its
   * namespace, or one made here. Undefined where there is none. Raises UNAVAILABLE and EXHAUSTED.
   */
  resolveWebhooks(names: readonly WebhookName[]): Promise<(Webhook | undefined)[]>;

  /** The webhook with exactly this key; undefined when there is none. Raises UNAVAILABLE and EXHAUSTED. */
  findWebhook(key: WebhookKey): Promise<Webhook | undefined>;

  /**
   * Webhooks of all namespaces, ACTIVE or not, whose destinations may show any certificate, by id; at most so many. The
   * cost does not depend on how many others there are. Raises UNAVAILABLE and EXHAUSTED.
   */
  unverifiedWebhooks(limit: number): Promise<Webhook[]>;

  /** Webhooks by id, ascending, unless told otherwise. Raises UNAVAILABLE and EXHAUSTED. */
  listWebhooks(query: WebhookQuery): Promise<Webhook[]>;

  /**
   * A part of that list, made in one go: it looks at a bounded number of rows, and can be short or empty
   * though more follows. Raises UNAVAILABLE and EXHAUSTED.
   */
  scanWebhooks(query: WebhookQuery): Promise<Part<Webhook>>;

  /**
   * How it goes with the deliveries of webhooks, in the same order; null where there is none. What a webhook costs
   * does not depend on how many deliveries it has. Raises UNAVAILABLE and EXHAUSTED.
   */
  getTraffic(ids: readonly string[]): Promise<(Traffic | null)[]>;

  /**
   * Removes webhooks: no read finds them from then on, and their waiting deliveries read as CANCELLED
   * (REMOVED). The rows of the first `SWEEP_BATCH` deliveries are changed now; `sweep` changes the others.
   * 'STALE' when `ifVersion` is given and is not the stored version. Raises UNAVAILABLE and EXHAUSTED.
   */
  removeWebhooks(batch: readonly WebhookRemoval[]): Promise<('REMOVED' | 'STALE' | 'NOT_FOUND')[]>;

  /**
   * ACTIVE webhooks whose destinations are to be asked by now whether they want to be sent to, as `getWebhooks` has them,
   * those first that are so for longest; at most so many. The cost does not depend on how many others there are.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  dueConsents(query: { now: number; limit: number }): Promise<Webhook[]>;

  /**
   * Keeps what destinations have said; false where the webhook is gone, or the question began anew since (`since`).
   * Neither version nor update time changes: nobody asked for it. Raises UNAVAILABLE and EXHAUSTED.
   */
  keepConsents(batch: readonly ConsentNote[]): Promise<boolean[]>;

  /**
   * Webhooks, also such as were removed, whose secret headers stand in the clear in what versions before wrote; at most
   * so many. Raises UNAVAILABLE and EXHAUSTED.
   */
  unsealedWebhooks(limit: number): Promise<Webhook[]>;

  /**
   * Replaces what was asked for such webhooks, and their credentials, and overwrites what stood there; `rewrite` takes it
   * out of the log and of free space too. Their versions stay: nobody changed them. Raises UNAVAILABLE and EXHAUSTED.
   */
  sealWebhooks(batch: readonly Webhook[]): Promise<void>;

  /**
   * For each question the ids of the webhooks, ACTIVE or not, one of whose event types matches: the type
   * itself, a beginning of it followed by `.*`, or `*`. Ids ascend. The cost grows with the number of
   * matches. Raises UNAVAILABLE and EXHAUSTED.
   */
  matchWebhooks(batch: readonly TypeMatch[]): Promise<string[][]>;

  /**
   * A number that grows with every committed change of a webhook, before the promise of that change
   * resolves. Undefined where other processes change webhooks too: then nothing that was read before may
   * be used again without asking. Synchronous, because every publish asks. Raises nothing.
   */
  webhookEpoch(): number | undefined;

  /**
   * Webhooks that changed since the last poll. Only one caller may poll a store, because what one poll
   * returned no other will. Raises UNAVAILABLE.
   */
  pollWebhooks(): Promise<WebhookPoll>;
}

/** A webhook as a caller names it. */
export interface WebhookName {
  readonly namespace: string;
  readonly id: string;
}

export interface WebhookKey {
  readonly namespace: string;
  readonly name: string;
  readonly destination: string;
}

export interface WebhookUpdate {
  readonly webhook: Webhook;
  readonly ifVersion: number;
  /** The stored cursor that `webhook.cursor` was computed from. */
  readonly cursorFrom?: RunCursor;
  readonly resetHealth?: boolean;
  /** Replaces what the destination has said. */
  readonly resetConsent?: boolean;
  /** What it changes, for the audit log. */
  readonly changed?: FieldChanges;
}

export interface ConsentNote {
  readonly webhookId: string;
  readonly consent: Consent;
}

export interface WebhookRemoval {
  readonly id: string;
  readonly now: number;
  readonly ifVersion?: number;
}

export interface WebhookQuery {
  readonly namespace: string;
  /** Only what follows this place, as `placeOfWebhook` names it. */
  readonly after?: string;
  readonly limit: number;
  readonly name?: string;
  /** Only those for which this is true. What no other field of the query says is judged row by row. */
  readonly where?: Condition;
  /** By name instead, and by id where names are the same. */
  readonly by?: WebhookOrder;
  readonly descending?: boolean;
}

export interface TypeMatch {
  readonly namespace: string;
  readonly type: string;
}

export interface WebhookPoll {
  /** Ids of webhooks that were created, changed (their version or their cursor by a caller), or removed. */
  readonly changed: readonly string[];
  /** Set when changes were left out: every webhook kept in memory has to be forgotten. */
  readonly overflowed: boolean;
}
