import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { SigningSchema } from '../../../../gen/carillon/v1/credentials_pb.ts';
import {
  type RegisterResponse,
  type Webhook,
  WebhookSchema,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { BadRequestSchema, ResourceInfoSchema } from '../../../../gen/google/rpc/error_details_pb.ts';
import { isOwnForm } from '../../../domain/id.ts';
import type { Connection } from '../connect.ts';
import { askedJson, askedOf } from './asked.ts';
import type { Declared } from './declared.ts';
import { type Difference, differences, pathOf, pathText } from './differences.ts';
import { OWNER_LABEL } from './owner.ts';
import type { Path, Problem } from './source-line.ts';

/** A webhook that becomes what was declared. */
export interface Registration {
  readonly action: 'create' | 'change';
  readonly declared: Declared;
  /** What is asked of the server: if it exists, only as long as nobody else changes it. */
  readonly request: Webhook;
  readonly differences: readonly Difference[];
  /** Whether its secret is replaced. What it was and what it becomes is never shown. */
  readonly replacesSecret: boolean;
}

/** What becomes of one that was declared. */
export type Verdict =
  | { readonly kind: 'unchanged'; readonly declared: Declared; readonly id: string }
  | { readonly kind: 'registration'; readonly registration: Registration }
  /** Another webhook has the name and the destination that it shall have. */
  | {
      readonly kind: 'blocked';
      readonly registration: Registration;
      readonly holder: string;
      readonly message: string;
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

export interface Ownership {
  /** What set the webhooks come from; undefined for none. */
  readonly owner: string | undefined;
  /** Whether webhooks of another set become this one's. */
  readonly takeOver: boolean;
}

/**
 * What the server would do with a webhook that was declared. It is asked for what would be, and that is compared
 * with what is, so that both are in its own words; nothing is changed.
 */
export async function compare(
  connection: Connection,
  declared: Declared,
  ownership: Ownership,
): Promise<Verdict> {
  const { webhooks } = connection;
  const { namespace, id } = declared.webhook;
  let current = await find(connection, namespace, id);
  // An id of the server's own form that it does not know is that of another server: there it was registered
  // without an id, and is known by its name and destination here.
  const foreign = current === undefined && isOwnForm(id);
  let answer: RegisterResponse;
  let request = requestOf(declared, current, ownership, foreign);
  try {
    if (foreign) {
      const probe = await webhooks.register({ webhook: request, validateOnly: true });
      if (!probe.created) current = await find(connection, namespace, probe.webhook?.id ?? '');
      request = requestOf(declared, current, ownership, current === undefined);
    }
    const other = current?.labels[OWNER_LABEL];
    if (current !== undefined && isOfAnother(other, ownership)) return refuseOther(declared, other);
    answer = await webhooks.register({ webhook: request, validateOnly: true });
  } catch (error) {
    return refusal(error, declared, { request, current });
  }
  const after = answer.webhook ?? request;
  const found = differences(current === undefined ? {} : askedJson(current), askedJson(after));
  const replacesSecret =
    current !== undefined && (await changesSecret(connection, current, request, { found, after }));
  if (current !== undefined && found.length === 0 && !replacesSecret) {
    return { kind: 'unchanged', declared, id: current.id };
  }
  const action = current === undefined ? 'create' : 'change';
  return {
    kind: 'registration',
    registration: { action, declared, request, differences: found, replacesSecret },
  };
}

async function find({ webhooks }: Connection, namespace: string, id: string): Promise<Webhook | undefined> {
  try {
    return (await webhooks.get({ namespace, id })).webhook;
  } catch (error) {
    // What is wrong with an id is better said of the whole webhook.
    if (error instanceof ConnectError && [Code.NotFound, Code.InvalidArgument].includes(error.code))
      return undefined;
    throw error;
  }
}

function requestOf(
  { webhook }: Declared,
  current: Webhook | undefined,
  { owner }: Ownership,
  withoutId: boolean,
): Webhook {
  // Without an owner the label stays what it is: this is then no set that takes anything from another.
  const label = owner ?? current?.labels[OWNER_LABEL];
  return create(WebhookSchema, {
    ...webhook,
    id: withoutId ? '' : (current?.id ?? webhook.id),
    labels: { ...webhook.labels, ...(label !== undefined && { [OWNER_LABEL]: label }) },
    etag: current?.etag ?? '',
  });
}

function isOfAnother(other: string | undefined, { owner, takeOver }: Ownership): other is string {
  return other !== undefined && owner !== undefined && other !== owner && !takeOver;
}

function refuseOther(declared: Declared, other: string): Verdict {
  const message = `${declared.webhook.id} is of the set ${JSON.stringify(other)}; --take-over makes it one of this set`;
  return { kind: 'refused', problems: [{ at: declared.lineOf(['id']), message }] };
}

/**
 * Whether the secret that was declared is another than the one there is. A server never shows a secret, but
 * what would be has another etag than what is if anything differs, and here nothing else can.
 */
async function changesSecret(
  { webhooks }: Connection,
  current: Webhook,
  { signing, compatibilitySignature }: Webhook,
  { found, after }: { readonly found: readonly Difference[]; readonly after: Webhook },
): Promise<boolean> {
  const secret = compatibilitySignature?.secret ?? '';
  if (signing === undefined && secret === '') return false;
  if (found.length === 0) return after.etag !== current.etag;
  try {
    const { id, namespace, etag } = current;
    const same = {
      ...askedOf(current),
      id,
      namespace,
      etag,
      ...(signing && { signing: create(SigningSchema, { secret: signing.secret }) }),
      ...(current.compatibilitySignature && {
        compatibilitySignature: { ...current.compatibilitySignature, secret },
      }),
    };
    const answer = await webhooks.register({
      webhook: create(WebhookSchema, same),
      validateOnly: true,
    });
    return answer.webhook?.etag !== current.etag;
  } catch (error) {
    // What it is today would not be taken again, such as a destination that is no longer allowed.
    if (error instanceof ConnectError && error.code === Code.InvalidArgument) return true;
    throw error;
  }
}

function refusal(
  reason: unknown,
  declared: Declared,
  { request, current }: { readonly request: Webhook; readonly current: Webhook | undefined },
): Verdict {
  if (!(reason instanceof ConnectError)) throw reason;
  const problem = (path: Path, message: string): Problem => ({ at: declared.lineOf(path), message });
  switch (reason.code) {
    case Code.InvalidArgument: {
      const violations = reason.findDetails(BadRequestSchema).flatMap((each) => each.fieldViolations);
      const problems = violations.map(({ field, description }) => {
        const path = pathOf(field);
        return problem(path, path.length === 0 ? description : `${pathText(path)}: ${description}`);
      });
      return {
        kind: 'refused',
        problems: problems.length > 0 ? problems : [problem([], reason.rawMessage)],
      };
    }
    case Code.AlreadyExists: {
      // Everything else was found right before this was looked for.
      const registration: Registration = {
        action: current === undefined ? 'create' : 'change',
        declared,
        request,
        differences: differences(current === undefined ? {} : askedJson(current), askedJson(request)),
        replacesSecret: current !== undefined && request.signing !== undefined,
      };
      const [resource] = reason.findDetails(ResourceInfoSchema);
      const message = `${pathText(['name'])}: ${reason.rawMessage}`;
      return { kind: 'blocked', registration, holder: resource?.resourceName ?? '', message };
    }
    case Code.FailedPrecondition:
    case Code.Aborted:
    case Code.PermissionDenied:
      return { kind: 'refused', problems: [problem([], reason.rawMessage)] };
    default:
      throw reason;
  }
}
