import { systemClock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import { parseSecret } from '../domain/webhook/secret.ts';
import { verify as judge } from '../domain/webhook/signature.ts';

/** A request that a receiver got. */
export interface VerifyRequest {
  /** The webhook's secret, `whsec_…`; or several, while one replaces another. */
  readonly secret: string | readonly string[];
  /** Its headers, as Node's servers have them (an object) or as fetch has them (`Headers`). */
  readonly headers:
    | Readonly<Record<string, string | readonly string[] | undefined>>
    | Iterable<readonly [string, string]>;
  /** The body as it came, before anything parsed it. A string is taken as UTF-8. */
  readonly body: Uint8Array | string;
  /** When it came, in milliseconds since 1970. Now without it. */
  readonly now?: number;
  /** How many seconds the timestamp may be off, either way. 300 without it. */
  readonly toleranceSeconds?: number;
}

/** A request is not genuine, or not recent; the message says why. Answer it with 401. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
}

/**
 * Verifies a request by Standard Webhooks 1.0.0 and returns its `webhook-id`, which is the same on every
 * attempt of a delivery: remember it to take each delivery once. Raises VerificationError unless the request
 * is genuine and recent, and TypeError for a secret that is none.
 */
export function verify({ secret, headers, body, now, toleranceSeconds }: VerifyRequest): string {
  const secrets = typeof secret === 'string' ? [secret] : secret;
  // Each name once, in lower case, so that the id that is returned is the one that was verified.
  const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  const named = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
  const verification = judge({
    secrets: secrets.map(bytesOf),
    headers: named,
    body: typeof body === 'string' ? Buffer.from(body) : body,
    now: now ?? systemClock.now(),
    ...(toleranceSeconds !== undefined && { toleranceSeconds }),
  });
  if (verification !== 'valid') throw new VerificationError(verification.invalid);
  return String(named['webhook-id']);
}

function bytesOf(secret: string): Uint8Array {
  try {
    return parseSecret(secret, 'secret');
  } catch (error) {
    throw error instanceof DomainError ? new TypeError(error.message) : error;
  }
}
