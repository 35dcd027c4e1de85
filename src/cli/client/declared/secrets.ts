import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Auth, SecretValue } from '../../../../gen/carillon/v1/credentials_pb.ts';
import { MASK } from '../../../domain/webhook/secret-headers.ts';
import type { Difference } from './differences.ts';
import type { Path } from './source-line.ts';

/** What of a webhook's JSON has secret values, a text for each in their place. */
const SECRET_HEADERS = 'secretHeaders';

/** Between what is shown of a secret and what tells it from another with the same hint. */
const BETWEEN = ' ';

/** What stands for secret headers where webhooks are compared: what is known of them, and never a value. */
export function secretTexts(headers: Readonly<Record<string, SecretValue>>): JsonObject {
  const entries = Object.entries(headers).map(([name, { hint, digest }]): [string, string] => [
    name.toLowerCase(),
    MASK + hint + BETWEEN + digest,
  ]);
  return Object.fromEntries(entries);
}

/** The same for how a webhook is let in, of which there is one secret. */
export function withAuthText({ auth, ...rest }: JsonObject): JsonObject {
  const [method] = Object.entries((auth ?? {}) as JsonObject) as [string, JsonObject][];
  if (method === undefined) return rest;
  const [name, value] = method;
  const secret = secretIn(name);
  const { hint = '', digest = '' } = (value[secret] ?? {}) as { hint?: string; digest?: string };
  return { ...rest, auth: { [name]: { ...value, [secret]: MASK + hint + BETWEEN + digest } } };
}

/** The same for how TLS is spoken, without what the certificate says: that follows from it. */
export function withTlsText({ tls, ...rest }: JsonObject): JsonObject {
  if (tls === undefined) return rest;
  const { privateKey, identity: _, ...shown } = tls as JsonObject;
  if (privateKey === undefined) return { ...rest, tls: shown };
  const { hint = '', digest = '' } = privateKey as { hint?: string; digest?: string };
  return { ...rest, tls: { ...shown, privateKey: MASK + hint + BETWEEN + digest } };
}

/** Which field of a method of Auth is secret, in its JSON. */
const SECRET_IN = {
  basic: 'password',
  bearer: 'token',
  oauth2: 'clientSecret',
} as const satisfies Record<NonNullable<Auth['method']['case']>, string>;

export function secretIn(method: string): string {
  return Object.entries(SECRET_IN).find(([name]) => name === method)?.[1] ?? '';
}

export function isSecret({ path }: Difference): boolean {
  const [field, method, inner] = path;
  if (field === 'tls') return method === 'privateKey';
  return field === SECRET_HEADERS || (field === 'auth' && inner === secretIn(String(method)));
}

/** A text for a secret as people see it. */
export function shownSecret(text: JsonValue | undefined): JsonValue | undefined {
  // A hint can have a blank in it, and a digest has none.
  return typeof text === 'string' ? text.slice(0, text.lastIndexOf(BETWEEN)) : text;
}

/** Whether it is one secret for another, of which both can look the same. */
export function replacesOne({ before, after }: Difference): boolean {
  return before !== undefined && after !== undefined;
}

/** The path by which a file may have the same: a plain header whose name says that it is secret becomes such a one. */
export function asWritten(path: Path, written: Path): Path {
  const [field, name] = written;
  if (path[0] !== SECRET_HEADERS || field !== 'headers' || typeof name !== 'string') return written;
  return [SECRET_HEADERS, name.toLowerCase()];
}
