import {
  createHmac,
  createSecretKey,
  type KeyObject,
  sign as signAsymmetrically,
  timingSafeEqual,
} from 'node:crypto';
import type { SealKey } from '../seal.ts';
import { type CompatibilityKey, compatibilityKey, openCompatibilitySecret } from './compatibility.ts';
import type { SigningSecret } from './rotation.ts';
import { openSecret } from './secret.ts';
import type { SecretOwner } from './secret-mark.ts';
import type { Webhook } from './webhook.ts';

/**
 * Symmetric signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over `<id>.<timestamp>.<body>`,
 * written `v1,<base64>`, several separated by a space while a secret is being rotated.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

/** How old or early a timestamp may be, unless told otherwise. */
const TOLERANCE_SECONDS = 300;

/**
 * A secret made ready for signing. Keep it as long as the secret is in use: an HMAC with a key object
 * costs a small part of one that starts from bytes.
 */
export function signingKey(secret: Uint8Array): KeyObject {
  return createSecretKey(secret);
}

/** A secret made ready, and until when it signs. */
export interface SigningKey {
  readonly key: KeyObject;
  /** Infinity for the newest, which signs until it is replaced. */
  readonly until: number;
}

/** All that a webhook's requests are signed with. */
export interface SigningKeys {
  /** Those of its secrets, newest first; also those that have ended, until they are swept. */
  readonly secrets: readonly SigningKey[];
  /** That of its namespace, if it wants such a signature. */
  readonly asymmetric?: KeyObject;
  /** That of its compatibility signature, which stands in another header. */
  readonly compatibility?: CompatibilityKey;
}

/** What of a webhook its keys follow from. */
type Signing = Pick<Webhook, keyof SecretOwner | 'secrets' | 'compatibilitySecret' | 'effective'>;

export type KeysOf = (webhook: Signing) => SigningKeys;

/** The private key of a namespace; undefined where there is none. */
export type NamespaceKeyOf = (namespace: string) => KeyObject | undefined;

/**
 * Opens the sealed secrets of webhooks with the server's key. Calling it raises FAILED_PRECONDITION when a
 * secret was sealed with another key.
 */
export function keysWith(sealingKey: SealKey, namespaceKeyOf: NamespaceKeyOf): KeysOf {
  return (webhook) => {
    const { secrets, compatibilitySecret: sealed, effective } = webhook;
    const asymmetric = effective.asymmetric ? namespaceKeyOf(webhook.namespace) : undefined;
    const form = effective.compatibility;
    return {
      secrets: secrets.map((secret) => keyWith(sealingKey, secret, webhook)),
      ...(asymmetric !== undefined && { asymmetric }),
      ...(form !== undefined &&
        sealed !== undefined && {
          compatibility: compatibilityKey(form, openCompatibilitySecret(sealingKey, sealed, webhook)),
        }),
    };
  };
}

/** The keys that sign now. */
export function keysAt(keys: readonly SigningKey[], now: number): KeyObject[] {
  const live: KeyObject[] = [];
  for (const { key, until } of keys) if (until > now) live.push(key);
  return live;
}

/** The `webhook-signature` of a body: one signature for each key, in their order. */
export function sign(
  keys: readonly KeyObject[],
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  const prefix = `${id}.${timestampSeconds}.`;
  let header = '';
  for (const key of keys) {
    const mac = createHmac('sha256', key).update(prefix).update(body).digest('base64');
    header += header === '' ? `v1,${mac}` : ` v1,${mac}`;
  }
  return header;
}

/** An asymmetric signature, `v1a` and the base64 of Ed25519 over the same. */
export function signWithPrivateKey(
  key: KeyObject,
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestampSeconds}.`), body]);
  return `v1a,${signAsymmetrically(null, signed, key).toString('base64')}`;
}

export interface VerifyRequest {
  /** The secrets that may have signed it, as bytes or made ready. */
  readonly secrets: readonly (Uint8Array | KeyObject)[];
  /** Names in any case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  /** In milliseconds, like every `now`. */
  readonly now: number;
  /** How old or early the timestamp may be. `TOLERANCE_SECONDS` without one. */
  readonly toleranceSeconds?: number;
}

/** The reason is a sentence without a full stop, for a person. */
export type Verification = 'valid' | { readonly invalid: string };

/** Judges a request as a receiver should: headers there, timestamp near, one signature right. */
export function verify(request: VerifyRequest): Verification {
  const id = header(request.headers, 'webhook-id');
  const timestampText = header(request.headers, 'webhook-timestamp');
  const signatures = header(request.headers, 'webhook-signature');
  if (id === undefined) return { invalid: 'there is no webhook-id header' };
  if (timestampText === undefined) return { invalid: 'there is no webhook-timestamp header' };
  if (signatures === undefined) return { invalid: 'there is no webhook-signature header' };

  // Only the one spelling that a sender signs: no sign, fraction, exponent or leading zero.
  if (!/^(0|[1-9]\d{0,11})$/.test(timestampText)) {
    return { invalid: 'webhook-timestamp is not a whole number of seconds since 1970' };
  }
  const timestamp = Number(timestampText);
  const tolerance = request.toleranceSeconds ?? TOLERANCE_SECONDS;
  const age = Math.floor(request.now / 1000) - timestamp;
  if (age > tolerance) return { invalid: `the timestamp is ${age} s old, more than ${tolerance} s` };
  if (age < -tolerance) {
    return { invalid: `the timestamp is ${-age} s in the future, more than ${tolerance} s` };
  }

  const given = signatures.split(' ').filter((signature) => signature.startsWith('v1,'));
  if (given.length === 0) return { invalid: 'webhook-signature holds no v1 signature' };
  if (request.secrets.length === 0) return { invalid: 'there is no secret to verify it with' };
  for (const secret of request.secrets) {
    const key = secret instanceof Uint8Array ? signingKey(secret) : secret;
    const expected = Buffer.from(sign([key], id, timestamp, request.body));
    for (const signature of given) if (same(expected, Buffer.from(signature))) return 'valid';
  }
  return { invalid: 'no signature matches: the secret is another, or id, timestamp or body were changed' };
}

function keyWith(sealingKey: SealKey, { sealed, expiresAt }: SigningSecret, owner: SecretOwner): SigningKey {
  return {
    key: signingKey(openSecret(sealingKey, sealed, owner)),
    until: expiresAt ?? Number.POSITIVE_INFINITY,
  };
}

function same(expected: Buffer, given: Buffer): boolean {
  // The length of a right signature is no secret.
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** The value of a header, empty and repeated ones counting as absent: a signature covers one value. */
function header(headers: VerifyRequest['headers'], name: string): string | undefined {
  let value = headers[name];
  if (value === undefined) {
    const spelled = Object.keys(headers).find((key) => key.toLowerCase() === name);
    if (spelled !== undefined) value = headers[spelled];
  }
  return typeof value === 'string' && value !== '' ? value : undefined;
}
