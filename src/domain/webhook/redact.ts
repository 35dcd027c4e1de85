import type { Outcome } from '../delivery/attempt.ts';
import { MASK } from './secret-headers.ts';

/** What is shorter stands in many an answer that does not repeat it. */
const SECRET_LENGTH_MIN = 8;

/**
 * An outcome without the secrets that were sent. Receivers repeat them: some in their answers to a wrong token, and
 * those that echo in all. A secret is found as it was sent and as JSON escapes it, and so is what follows its scheme.
 */
export function redacted(outcome: Outcome, sent: readonly string[]): Outcome {
  if (sent.length === 0 || outcome.kind === 'failed') return outcome;
  const secrets = sent.flatMap(partsOf).toSorted((a, b) => b.length - a.length);
  const headers = Object.entries(outcome.headers).map(
    ([name, value]) => [name, without(value, secrets)] as const,
  );
  return {
    ...outcome,
    headers: Object.fromEntries(headers),
    body: bodyWithout(outcome.body, secrets, outcome.truncated),
  };
}

/** Of `Bearer abc`, the token too. */
function partsOf(value: string): string[] {
  const token = value.slice(value.indexOf(' ') + 1);
  const inJson = [value, token].map((part) => JSON.stringify(part).slice(1, -1));
  return [...new Set([value, token, ...inJson])].filter((part) => part.length >= SECRET_LENGTH_MIN);
}

function bodyWithout(body: Uint8Array, secrets: readonly string[], truncated: boolean): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  // A header is sent in Latin-1; a body that repeats it is likely in UTF-8.
  const sought = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('latin1')]);
  const whole = without(text, sought);
  const plain = truncated ? withoutBeginning(whole, sought) : whole;
  return plain === text ? body : new Uint8Array(Buffer.from(plain, 'latin1'));
}

function without(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, () => MASK), text);
}

/** A body that is cut can end within a secret. */
function withoutBeginning(text: string, secrets: readonly string[]): string {
  for (const secret of secrets) {
    for (let length = secret.length - 1; length >= SECRET_LENGTH_MIN; length--) {
      if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + MASK;
    }
  }
  return text;
}
