import { checkIsThere, isDeleting } from '../domain/access/standing.ts';
import { type Claim, claimedId } from '../domain/claim.ts';
import { presentOf } from '../domain/clock.ts';
import { aborted, DomainError } from '../domain/error.ts';
import { isOwnForm, newId } from '../domain/id.ts';
import { noProblems, type Problems } from '../domain/problems.ts';
import { ringsAlike, sameSchedule } from '../domain/schedule/replacement.ts';
import { scheduleViolations } from '../domain/schedule/rules.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import { changedFields } from '../domain/webhook/changed-fields.ts';
import {
  type AskedCredentials,
  type Credentials,
  credentialHeaders,
  NO_CREDENTIALS,
} from '../domain/webhook/credentials.ts';
import { withDefaults } from '../domain/webhook/defaults.ts';
import { checkEtag } from '../domain/webhook/etag.ts';
import { sameSpec } from '../domain/webhook/same-spec.ts';
import { newSecret, openSecret } from '../domain/webhook/secret.ts';
import { callerIdFault, type Webhook, type WebhookSpec } from '../domain/webhook/webhook.ts';
import { changedTo, contended, TRIES_MAX, taken } from './change.ts';
import { heldSecret, withHeldSecret } from './compatibility.ts';
import {
  type Apart,
  createVault,
  keepsAny,
  kept,
  noteAuthViolations,
  noteTlsViolations,
  secretsApart,
  tellUnverified,
} from './credentials.ts';
import type { Needs } from './deps.ts';
import { newWebhook } from './new-webhook.ts';
import { madeSecret, replaced } from './rotate.ts';
import { lastRingViolations, noteSpecViolations } from './spec-rules.ts';

export type RegisterDeps = Needs<
  'createWebhooks' | 'resolveWebhooks' | 'findWebhook' | 'updateWebhooks',
  'clock' | 'random' | 'sealKey' | 'signingKeyring' | 'settings' | 'namespaces' | 'onUnverified'
>;

export interface Registration {
  readonly namespace: string;
  /** The id that the webhook has, or shall have; undefined for the one of this name and destination. */
  readonly id?: string;
  /** With an id: the etag that the webhook must have; empty for any. */
  readonly etag?: string;
  readonly spec: AskedSpec;
  /** Its secret headers; a value that is undefined is kept. None when undefined. */
  readonly credentials?: AskedCredentials;
  /** The signing secret that the caller wants, which replaces another as `createRotate` does; undefined for any. */
  readonly secret?: Uint8Array;
  /** The secret of the compatibility signature; undefined for the one that the webhook has. */
  readonly compatibilitySecret?: string | undefined;
  /** Says what would be done, and does nothing. */
  readonly validateOnly?: boolean;
  /** The same claim again is answered with the webhook that was made for it, and its secret. */
  readonly claim?: Claim;
}

type Asked = Registration & Apart;

export interface Registered {
  readonly webhook: Webhook;
  readonly created: boolean;
  /** The signing secret of a webhook that was made just now: it is never shown again. */
  readonly secret?: Uint8Array;
}

/**
 * Makes a webhook, or replaces what was asked for it: for the one of the id that is given, name and destination
 * included, or else for the one of the same name and destination. The same call again changes nothing, however
 * many make it at once. `problems` has what was found wrong with how it was asked. Raises INVALID with
 * everything that is wrong, ALREADY_EXISTS when another webhook has the name and the destination,
 * FAILED_PRECONDITION when too many secrets would sign, ABORTED for a stale etag or when others are always faster,
 * EXHAUSTED where the namespace has as many webhooks as it may, and what `checkIsThere` raises.
 */
export function createRegister(deps: RegisterDeps) {
  const { store, settings } = deps;
  const vault = createVault(deps);

  return async (given: Registration, problems = noProblems()): Promise<Registered> => {
    const [namespace] = await deps.namespaces.load([given.namespace]);
    checkIsThere(given.namespace, namespace);
    const whole = { ...given, credentials: given.credentials ?? NO_CREDENTIALS };
    const asked = { ...whole, ...secretsApart(whole) };
    const spec = withDefaults(asked.spec, settings);
    const made = asked.claim?.resumed ? await madeFor(asked.claim, asked.namespace) : undefined;
    if (made !== undefined) return made;
    await check(whole, asked, spec, problems);
    if (spec.asymmetric && !asked.validateOnly) await deps.signingKeyring.ensure(asked.namespace);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await find(asked, spec);
      if (asked.id !== undefined) await checkIsFree(asked, spec, found);
      if (found !== undefined) checkStillRings(found, asked.spec, problems);
      const before = found ? vault.open(found) : NO_CREDENTIALS;
      const credentials = kept(asked.credentials, before, problems);
      problems.raise();
      const done = found
        ? await replace(found, spec, credentials, asked, problems)
        : await make(spec, credentials, asked, problems);
      if (done !== undefined) return done;
    }
    throw contended(asked.id ?? JSON.stringify(spec.name));
  };

  async function madeFor(claim: Claim, namespace: string): Promise<Registered | undefined> {
    const id = claimedId('webhook', claim);
    const [webhook] = await store.resolveWebhooks([{ namespace, id }]);
    const first = webhook?.secrets.find((secret) => secret.id === claimedId('secret', claim));
    if (webhook === undefined || first === undefined) return undefined;
    return { webhook, secret: openSecret(deps.sealKey, first.sealed, webhook), created: true };
  }

  async function find({ namespace, id, etag = '' }: Registration, spec: WebhookSpec) {
    const { name, destination } = spec;
    if (id === undefined) return store.findWebhook({ namespace, name, destination });
    const [found] = await store.resolveWebhooks([{ namespace, id }]);
    if (found !== undefined) checkEtag(found, etag);
    else if (etag !== '')
      throw aborted('ETAG_MISMATCH', {
        type: 'Webhook',
        id,
        description: `was removed since it had etag ${JSON.stringify(etag)}`,
      });
    return found;
  }

  /** Raises ALREADY_EXISTS when another webhook than the one that was found has the name and the destination. */
  async function checkIsFree({ namespace }: Registration, spec: WebhookSpec, found: Webhook | undefined) {
    const { name, destination } = spec;
    const holder = await store.findWebhook({ namespace, name, destination });
    if (holder !== undefined && holder.id !== found?.id) throw taken(holder);
  }

  function checkStillRings(found: Webhook, asked: AskedSpec, problems: Problems): void {
    problems.addAll(lastRingViolations(found.spec, asked));
    problems.raise();
  }

  async function check(whole: Asked, asked: Asked, spec: WebhookSpec, problems: Problems) {
    const now = deps.clock.now();
    const { id } = asked;
    const fault = id === undefined ? undefined : callerIdFault(id);
    // Only an id of our own form is looked up before it can be told whether it is right.
    if (fault !== undefined && !(isOwnForm(id!) && (await find(asked, spec)))) problems.add('id', fault);
    const isCompared = keepsAny(asked.credentials) || spec.tls?.clientCertificate !== undefined;
    const found = isCompared ? await find(asked, spec) : undefined;
    const before = found ? vault.open(found) : NO_CREDENTIALS;
    const credentials = kept(asked.credentials, before, problems);
    noteTlsViolations(spec, credentials, { now, before: found?.spec.tls, problems });
    const policy = settings.addressPolicy;
    noteAuthViolations(credentials, problems, policy);
    const withSecrets = { ...spec, headers: { ...spec.headers, ...credentialHeaders(credentials) } };
    await noteSpecViolations(whole.spec, withSecrets, { ...whole, problems, policy, now });
    if (asked.spec.schedule !== undefined && spec.schedule !== undefined) {
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'schedule' };
      const violations = scheduleViolations(spec.schedule, rules);
      const good = violations.length === 0 || problems.count() > 0;
      const replaced = good ? undefined : (await find(asked, spec))?.effective.schedule;
      const { schedule } = spec;
      // What it names may have passed meanwhile.
      if (replaced === undefined || !ringsAlike(replaced, schedule)) problems.addAll(violations);
      else if (!sameSchedule(replaced, schedule))
        problems.addAll(scheduleViolations(schedule, { ...rules, replaced }));
    }
    problems.raise();
  }

  /** Undefined when somebody else made it first. */
  async function make(
    spec: WebhookSpec,
    credentials: Credentials,
    asked: Asked,
    problems: Problems,
  ): Promise<Registered | undefined> {
    const { clock, random, sealKey } = deps;
    const present = presentOf(clock);
    const secret = asked.secret ?? newSecret(random);
    const { namespace, id: callerId, claim } = asked;
    const { now } = present;
    const id = claim ? claimedId('webhook', claim) : newId('webhook', now, random);
    const owner = { namespace, id };
    const webhook = newWebhook({
      ...owner,
      ...(callerId !== undefined && { callerId }),
      ...vault.stored(owner, asked.spec, credentials),
      effective: spec,
      secrets: [madeSecret(secret, owner, { claim, now, random, sealKey })],
      ...heldSecret(deps, owner, spec, asked.compatibilitySecret, problems),
      present,
    });
    if (asked.validateOnly) return { webhook, created: true };
    const [result] = await store.createWebhooks([webhook]);
    switch (result) {
      case 'CREATED':
        tellUnverified(deps, webhook);
        return { webhook, secret, created: true };
      case 'FULL':
        throw tooManyWebhooks(namespace, await quotaOf(namespace));
      case 'SHUT':
        throw isDeleting(namespace);
      case 'EXISTS':
      case undefined:
        return undefined;
      default:
        return result satisfies never;
    }
  }

  async function quotaOf(namespace: string): Promise<number> {
    const [found] = await deps.namespaces.load([namespace]);
    return found?.quotas.webhooksMax ?? 0;
  }

  /** Undefined when somebody else changed it meanwhile. */
  async function replace(
    found: Webhook,
    spec: WebhookSpec,
    credentials: Credentials,
    asked: Asked,
    problems: Problems,
  ): Promise<Registered | undefined> {
    const { clock, random, sealKey } = deps;
    const { secret } = asked;
    const present = presentOf(clock);
    const secrets = secret && replaced(found, secret, { now: present.now, random, sealKey });
    const held = heldSecret(deps, found, spec, asked.compatibilitySecret, problems);
    const stored = vault.stored(found, asked.spec, credentials, found);
    const keepsSecrets = secrets === undefined && held.compatibilitySecret === found.compatibilitySecret;
    if (keepsSecrets && sameSpec(found.spec, stored.spec)) return { webhook: found, created: false };

    const change = changedTo(found, stored, spec, present);
    const webhook: Webhook = {
      ...withHeldSecret(change.webhook, held),
      // One that is only asked about is not made, and has no id.
      ...(secrets !== undefined && !asked.validateOnly && { secrets }),
      updatedAt: present.now,
      version: found.version + 1,
    };
    if (!asked.validateOnly) {
      const changed = changedFields(found, webhook);
      const [result] = await store.updateWebhooks([
        { ...change, webhook, ifVersion: found.version, changed },
      ]);
      if (result !== 'UPDATED') return undefined;
      tellUnverified(deps, webhook, found);
    }
    return { webhook, created: false };
  }
}

function tooManyWebhooks(namespace: string, max: number): DomainError {
  return new DomainError(
    'TOO_MANY_WEBHOOKS',
    `the namespace ${namespace} has as many webhooks as its quota allows, ${max}; remove some, or have the quota raised`,
    { metadata: { max } },
  );
}
