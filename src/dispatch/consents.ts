import type { Clock } from '../domain/clock.ts';
import { notSent, type Outcome } from '../domain/delivery/attempt.ts';
import { DomainError } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import { type AskedConsent, afterAnswer, type Consent, judgeConsent } from '../domain/webhook/consent.ts';
import type { CredentialsOf } from '../domain/webhook/credentials.ts';
import { withoutQuery } from '../domain/webhook/destination.ts';
import { destinationTls } from '../domain/webhook/destination-tls.ts';
import type { OperationalEvent } from '../domain/webhook/operational.ts';
import { redacted } from '../domain/webhook/redact.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import { consentRequest, type OutgoingRequest } from '../outbound/request.ts';
import type { Sender } from '../outbound/sender.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Asks destinations whether they want to be sent to. What they say is written down, and lanes hear of it as of any
 * change of a webhook.
 */
export interface Consents {
  /** Asks those whose time has come, as many at once as may be. Returns how many. */
  tick(): Promise<number>;
  /** Milliseconds until `tick` looks again. */
  idleMs(): number;
  /** Asks nobody any more, and writes nothing. Resolves when no write is under way. */
  stop(): Promise<void>;
}

export interface ConsentsDeps {
  readonly store: Pick<Store, 'dueConsents' | 'keepConsents'>;
  readonly sender: Pick<Sender, 'send'>;
  /** What is sent to be let in. */
  readonly credentialsOf: CredentialsOf;
  /** Called with operational events once what they tell of is on disk. It must not raise. */
  readonly notify: (operational: OperationalEvent) => void;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly random: Random;
  readonly log: Log;
  readonly settings: { readonly userAgent: string };
}

/** Destinations that are asked at once. */
const ASKING_MAX = 64;
const IDLE_MS = 1_000;
/** While more are due than are asked at once. */
const BUSY_MS = 50;
/** When one whose namespace is suspended is looked at again. */
const SUSPENDED_MS = 60_000;

/** What came of asking. */
interface Said {
  readonly webhook: Webhook;
  readonly before: Consent;
  readonly after: Consent;
}

export function createConsents(deps: ConsentsDeps): Consents {
  const { store, sender, credentialsOf, notify, clock, random, log, settings } = deps;
  const trouble = createTrouble(clock);
  const asking = new Set<string>();
  /** What was answered and could not be written down: nobody is asked before it is, or all would be again and again. */
  const unwritten = new Map<string, Said>();
  const writes = new Set<Promise<unknown>>();
  let hasMore = false;
  let stopped = false;

  async function ask(webhook: Webhook): Promise<void> {
    const { consent } = webhook;
    const { consent: asked } = webhook.effective;
    if (consent === undefined || asked === undefined) return;
    if (webhook.suspended) {
      await keep(webhook, { ...consent, dueAt: clock.now() + SUSPENDED_MS });
      return;
    }
    const outcome = await outcomeOf(webhook, asked);
    const now = clock.now();
    const answer = judgeConsent(asked, outcome);
    const after = afterAnswer(consent, answer, { outcome, now, unit: random.unit() });
    await write({ webhook, before: consent, after });
  }

  async function outcomeOf(webhook: Webhook, asked: AskedConsent): Promise<Outcome> {
    let request: OutgoingRequest | undefined;
    try {
      request = requestTo(webhook, asked);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // It is asked again like one that does not answer, so that it keeps no other from being asked.
      return notSent({ errorClass: 'REQUEST', message: error.message }, clock.now());
    }
    return redacted(await sender.send(request), request.secrets ?? []);
  }

  /** Raises what opening its credentials raises. */
  function requestTo(webhook: Webhook, asked: AskedConsent): OutgoingRequest {
    const credentials = credentialsOf(webhook);
    const tls = destinationTls(webhook, credentials);
    const { userAgent } = settings;
    return consentRequest(webhook, asked, { credentials, ...(tls !== undefined && { tls }), userAgent });
  }

  async function write(said: Said): Promise<void> {
    const { webhook, before, after } = said;
    unwritten.delete(webhook.id);
    let isKept: boolean;
    try {
      isKept = await keep(webhook, after);
    } catch (error) {
      unwritten.set(webhook.id, said);
      throw error;
    }
    if (isKept) tell(webhook, before, after);
  }

  /** Whether it was kept: the question can have begun anew meanwhile. */
  async function keep({ id: webhookId }: Webhook, consent: Consent): Promise<boolean> {
    if (stopped) return false;
    const write = store.keepConsents([{ webhookId, consent }]);
    writes.add(write);
    try {
      const [kept] = await write;
      return kept === true;
    } finally {
      writes.delete(write);
    }
  }

  function tell(webhook: Webhook, before: Consent, after: Consent): void {
    const { namespace, spec, id: uid } = webhook;
    const { state, reason, allowedPerMinute } = after;
    const id = webhookIdOf(webhook);
    const destination = withoutQuery(spec.destination);
    const fields = { namespace, webhookId: uid, webhookName: spec.name, destination, tries: after.tries };
    if (state === 'GRANTED')
      log.info({ ...fields, allowedPerMinute }, `'${destination}' consents to webhook ${id}`);
    else log.warn(fields, `'${destination}' has not consented to webhook ${id}: ${reason}`);
    if (state === before.state) return;
    const about = {
      namespace,
      time: clock.now(),
      webhook: { id, uid, name: spec.name, destination: spec.destination },
    };
    if (state === 'GRANTED') {
      const allowed = allowedPerMinute === undefined ? {} : { allowedPerMinute };
      notify({ type: 'carillon.webhook.consent_granted', ...about, ...allowed });
    } else if (state === 'REFUSED') {
      notify({ type: 'carillon.webhook.consent_refused', ...about, reason: reason ?? '' });
    }
  }

  function begin(webhook: Webhook): void {
    asking.add(webhook.id);
    void ask(webhook)
      .then(
        () => {
          const over = trouble.isOver();
          if (over !== undefined) log.info(troubleFields(over), 'what destinations consent to is kept again');
        },
        (error: unknown) => {
          const told = trouble.failed((error as Error).message);
          if (told === undefined) return;
          const fields = { webhookId: webhook.id, reason: (error as Error).message, ...troubleFields(told) };
          log.error(fields, 'whether a destination consents could not be found out, or not be written down');
        },
      )
      .finally(() => unwritten.has(webhook.id) || asking.delete(webhook.id));
  }

  return {
    async tick() {
      if (stopped) return 0;
      for (const said of [...unwritten.values()]) {
        await write(said);
        asking.delete(said.webhook.id);
      }
      if (asking.size >= ASKING_MAX) return 0;
      // Those that are being asked are due still.
      const due = await store.dueConsents({ now: clock.now(), limit: ASKING_MAX });
      hasMore = due.length === ASKING_MAX;
      const free = due.filter(({ id }) => !asking.has(id)).slice(0, ASKING_MAX - asking.size);
      for (const webhook of free) begin(webhook);
      return free.length;
    },
    idleMs: () => (hasMore ? BUSY_MS : IDLE_MS),
    async stop() {
      stopped = true;
      await Promise.allSettled(writes);
    },
  };
}
