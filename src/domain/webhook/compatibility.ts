import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { FieldViolation } from '../error.ts';
import { headerValueFault, headerViolations } from '../event/header-rules.ts';
import type { Random } from '../random.ts';
import { type Sealed, type SealKey, seal, unseal } from '../seal.ts';
import { quote } from '../text.ts';
import type { SecretOwner } from './secret-mark.ts';

/**
 * A signature as another sender made it before, beside that of Standard Webhooks: a receiver that verifies it goes on
 * as it is, such as one with the library of GitHub or of Stripe.
 */
export interface Compatibility {
  readonly algorithm: 'HMAC_SHA256' | 'HMAC_SHA1';
  readonly encoding: 'HEX' | 'BASE64';
  /** What of the secret is the key: its UTF-8, or what it is the base64 of. */
  readonly keyForm: 'TEXT' | 'BASE64';
  /** What is signed: the body, or the timestamp, a dot and the body. */
  readonly content: 'BODY' | 'TIMESTAMP_BODY';
  /** As its caller wrote it. */
  readonly header: string;
  /** With `{signature}`, and perhaps `{timestamp}`. */
  readonly value: string;
}

export type AskedCompatibility = Partial<Compatibility> & Pick<Compatibility, 'header'>;

/** What applies where a caller says nothing; the proto file says so too. */
export function compatibilityOf(asked: AskedCompatibility): Compatibility {
  return {
    algorithm: asked.algorithm ?? 'HMAC_SHA256',
    encoding: asked.encoding ?? 'HEX',
    keyForm: asked.keyForm ?? 'TEXT',
    content: asked.content ?? 'BODY',
    header: asked.header,
    value: asked.value ?? '{signature}',
  };
}

// ── Its rules ──────────────────────────────────────────────────────────────────────────────────────

/** The longest signature: SHA-256 in hexadecimal. */
const SIGNATURE_LENGTH = 64;
const TIMESTAMP_LENGTH = 10;
const PLACEHOLDER = /\{[^{}]*\}/g;

/** What is wrong with it beside what the proto file says; `others` are the headers that the webhook has. */
export function compatibilityViolations(
  { header, value }: Compatibility,
  others: readonly string[],
  field: string,
): FieldViolation[] {
  const violations: FieldViolation[] = [];
  const [refused] = headerViolations({ [header]: '' }, field);
  const lower = header.toLowerCase();
  if (refused !== undefined) {
    violations.push({ field: `${field}.header`, description: refused.description });
  } else if (lower === 'accept-encoding') {
    violations.push({ field: `${field}.header`, description: 'is set by Carillon: give another one' });
  } else if (others.some((other) => other.toLowerCase() === lower)) {
    const description = 'is a header of the webhook, or of its header_templates, too: leave it out there';
    violations.push({ field: `${field}.header`, description });
  }
  const fault = valueFault(value);
  if (fault !== undefined) violations.push({ field: `${field}.value`, description: fault });
  return violations;
}

function valueFault(value: string): string | undefined {
  const unknown = value.match(PLACEHOLDER)?.find((each) => each !== '{signature}' && each !== '{timestamp}');
  if (unknown !== undefined)
    return `has ${quote(unknown)}, which stands for nothing: use {timestamp} and {signature}`;
  if (!value.includes('{signature}')) return 'must have {signature} in it, where the signature is to be';
  return headerValueFault(longest({ value }));
}

/** The value of the header at its longest, for what all headers of a request take together. */
export function longest({ value }: Pick<Compatibility, 'value'>): string {
  return filled(value, '9'.repeat(TIMESTAMP_LENGTH), 'f'.repeat(SIGNATURE_LENGTH));
}

/** What is wrong with a secret, without the secret in it; undefined when nothing is. */
export function compatibilitySecretFault(secret: string, { keyForm }: Compatibility): string | undefined {
  if (keyForm === 'TEXT') return undefined;
  const bytes = Buffer.from(secret, 'base64');
  // Node's decoder skips what it does not know.
  if (bytes.length > 0 && bytes.toString('base64') === secret) return undefined;
  return 'is not padded base64 of the standard alphabet, as its key_form says: give such, or KEY_FORM_TEXT';
}

// ── Its secret ─────────────────────────────────────────────────────────────────────────────────────

/** A secret as it is stored. */
export function sealCompatibilitySecret(
  sealKey: SealKey,
  secret: string,
  owner: SecretOwner,
  random: Random,
): Uint8Array {
  return seal(sealKey, Buffer.from(secret), random, sealedFor(owner));
}

/** The secret that was sealed. Raises what `unseal` raises. */
export function openCompatibilitySecret(sealKey: SealKey, sealed: Uint8Array, owner: SecretOwner): string {
  return Buffer.from(unseal(sealKey, sealed, sealedFor(owner))).toString();
}

function sealedFor({ namespace, id }: SecretOwner): Sealed {
  return { noun: 'secret', belongsTo: JSON.stringify(['compatibility secret', namespace, id]) };
}

// ── Signing ────────────────────────────────────────────────────────────────────────────────────────

/** Made ready, and kept as long as the webhook is. */
export interface CompatibilityKey {
  readonly key: KeyObject;
  /** In lower case. */
  readonly header: string;
  readonly form: Compatibility;
}

export function compatibilityKey(form: Compatibility, secret: string): CompatibilityKey {
  const bytes = Buffer.from(secret, form.keyForm === 'BASE64' ? 'base64' : 'utf8');
  return { key: createSecretKey(bytes), header: form.header.toLowerCase(), form };
}

/** The value of the header for a body. */
export function compatibilitySignature(
  { key, form }: CompatibilityKey,
  timestampSeconds: number,
  body: Uint8Array,
): string {
  const timestamp = String(timestampSeconds);
  const mac = createHmac(form.algorithm === 'HMAC_SHA1' ? 'sha1' : 'sha256', key);
  if (form.content === 'TIMESTAMP_BODY') mac.update(`${timestamp}.`);
  const signature = mac.update(body).digest(form.encoding === 'BASE64' ? 'base64' : 'hex');
  return filled(form.value, timestamp, signature);
}

function filled(value: string, timestamp: string, signature: string): string {
  return value.replaceAll('{timestamp}', timestamp).replaceAll('{signature}', signature);
}
