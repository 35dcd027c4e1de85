import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RegisterRequest,
  RegisterRequestSchema,
  type RegisterResponse,
  RegisterResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { HEALTHY } from '../../domain/delivery/lane.ts';
import { judgeEventTypes } from '../../domain/event/match.ts';
import { newId } from '../../domain/id.ts';
import { validateSchedule } from '../../domain/schedule/rules.ts';
import { firstCursor, replaceSchedule, sameSchedule } from '../../domain/schedule/run-plan.ts';
import { formatSecret, newSecret, openSecret, parseSecret, sealSecret } from '../../domain/webhook/secret.ts';
import type { Webhook, WebhookSpec } from '../../domain/webhook/webhook.ts';
import { defaultSchedule } from '../convert/schedule.ts';
import { specFrom, webhookTo } from '../convert/webhook.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOf } from '../namespace.ts';
import { noProblems } from '../problems.ts';
import { callKey, note } from '../transport/call.ts';
import type { Rules } from '../validate.ts';
import { contended, TRIES_MAX } from './change.ts';
import { judgeSpec, violationsOf } from './judge.ts';
import { sameSpec } from './same-spec.ts';

export type RegisterDeps = Pick<ApiDeps, 'clock' | 'random' | 'sealKey' | 'settings'> & {
  readonly store: Pick<ApiDeps['store'], 'createWebhooks' | 'findWebhook' | 'updateWebhooks'>;
  readonly rules: Rules;
};

/** A registration that is good, and who it is for. */
interface Registration {
  readonly namespace: string;
  readonly spec: WebhookSpec;
  /** The signing secret that the caller wants; undefined for any. */
  readonly secret: Uint8Array | undefined;
}

/**
 * Register: makes a webhook, or replaces what was asked for one of the same namespace, name and
 * destination. The same call again changes nothing, however many make it at once.
 */
export function registration(deps: RegisterDeps) {
  const { store } = deps;

  return async (request: RegisterRequest, context: HandlerContext): Promise<RegisterResponse> => {
    const asked = await judge(request);
    const { namespace, spec } = asked;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await store.findWebhook({ namespace, name: spec.name, destination: spec.destination });
      const done = found
        ? await replace(found, asked, request.validateOnly)
        : await make(asked, request.validateOnly);
      if (done === undefined) continue;
      const call = context.values.get(callKey);
      if (call) call.created = done.created;
      note(context, { webhookId: done.webhook?.id ?? '' });
      return done;
    }
    throw contended(`webhook ${JSON.stringify(spec.name)}`);
  };

  /** Raises INVALID with everything that is wrong. */
  async function judge(request: RegisterRequest): Promise<Registration> {
    const { settings, clock } = deps;
    const now = clock.now();
    const field = 'webhook';
    const problems = noProblems();
    const { webhook: message } = request;
    // Before the rules of the proto file, which say the same in fewer words.
    problems.addAll(judgeEventTypes(message?.eventTypes ?? [], 'webhook.event_types'));
    problems.addAll(await deps.rules.violationsOf(RegisterRequestSchema, request));
    if (message === undefined) {
      problems.add(field, 'is required');
      problems.raise();
      throw new Error('unreachable');
    }
    const namespace = namespaceOf(message.namespace, 'webhook.namespace', problems);
    const schedule = defaultSchedule(settings.defaultEveryMs);
    const spec = specFrom(message, { field, problems, schedule });
    await judgeSpec(spec, {
      field,
      problems,
      policy: settings.addressPolicy,
      now,
      headers: message.headers,
      headerTemplates: message.payload?.headerTemplates ?? {},
    });
    const secret = secretFrom(message.signing?.secret ?? '');
    if ('violations' in secret) problems.addAll(secret.violations);
    if (message.schedule !== undefined && spec.schedule !== undefined) {
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'webhook.schedule' };
      const violations = validateSchedule(spec.schedule, rules);
      const kept = violations.length > 0 && problems.count() === 0 && (await isRegistered(namespace, spec));
      if (!kept) problems.addAll(violations);
    }
    problems.raise();
    return { namespace, spec, secret: 'bytes' in secret ? secret.bytes : undefined };
  }

  /** Whether the webhook has this schedule already: then what it names may have passed meanwhile. */
  async function isRegistered(
    namespace: string,
    { name, destination, schedule }: WebhookSpec,
  ): Promise<boolean> {
    const found = await store.findWebhook({ namespace, name, destination });
    return found !== undefined && sameSchedule(found.spec.schedule, schedule);
  }

  /** Undefined when somebody else made it first. */
  async function make(asked: Registration, validateOnly: boolean): Promise<RegisterResponse | undefined> {
    const { clock, random, sealKey } = deps;
    const now = clock.now();
    const id = newId('webhook', now, random);
    const secret = asked.secret ?? newSecret(random);
    const webhook: Webhook = {
      id,
      namespace: asked.namespace,
      spec: asked.spec,
      sealedSecrets: [sealSecret(sealKey, secret, random)],
      state: 'ACTIVE',
      cursor: firstCursor(id, asked.spec.schedule, now),
      health: HEALTHY,
      filterFailures: 0,
      createdAt: now,
      updatedAt: now,
      version: 1,
    };
    if (validateOnly) {
      // What only a registration that took place has stays empty.
      return create(RegisterResponseSchema, {
        webhook: { ...webhookTo(webhook), id: '', etag: '' },
        created: true,
      });
    }
    const [result] = await store.createWebhooks([webhook]);
    if (result !== 'CREATED') return undefined;
    return create(RegisterResponseSchema, {
      webhook: webhookTo(webhook),
      secret: formatSecret(secret),
      created: true,
    });
  }

  /** Undefined when somebody else changed it meanwhile. */
  async function replace(
    found: Webhook,
    asked: Registration,
    validateOnly: boolean,
  ): Promise<RegisterResponse | undefined> {
    const { clock, random, sealKey } = deps;
    const { spec, secret } = asked;
    const keepsSecret = secret === undefined || hasSecret(found, secret);
    if (keepsSecret && sameSpec(found.spec, spec))
      return create(RegisterResponseSchema, { webhook: webhookTo(found) });

    const now = clock.now();
    const sameRuns = sameSchedule(found.spec.schedule, spec.schedule);
    const webhook: Webhook = {
      ...found,
      spec,
      sealedSecrets: keepsSecret ? found.sealedSecrets : [sealSecret(sealKey, secret, random)],
      cursor: replaceSchedule(found.id, found.spec.schedule, found.cursor, spec.schedule, now),
      updatedAt: now,
      version: found.version + 1,
    };
    if (!validateOnly) {
      const [result] = await store.updateWebhooks([
        { webhook, ifVersion: found.version, ...(!sameRuns && { cursorFrom: found.cursor }) },
      ]);
      if (result !== 'UPDATED') return undefined;
    }
    return create(RegisterResponseSchema, { webhook: webhookTo(webhook) });
  }

  function hasSecret({ sealedSecrets }: Webhook, secret: Uint8Array): boolean {
    const [current] = sealedSecrets;
    return current !== undefined && Buffer.compare(openSecret(deps.sealKey, current), secret) === 0;
  }
}

function secretFrom(text: string) {
  if (text === '') return {};
  let bytes: Uint8Array | undefined;
  const violations = violationsOf(() => {
    bytes = parseSecret(text, 'webhook.signing.secret');
  });
  return bytes === undefined ? { violations } : { bytes };
}
