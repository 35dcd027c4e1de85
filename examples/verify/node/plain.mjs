// Checks one request without a library, whatever bytes its body has.
//
//     WEBHOOK_SECRET=whsec_… node plain.mjs <webhook-id> <webhook-timestamp> <webhook-signature> < body
import { createHmac, timingSafeEqual } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const TOLERANCE_S = 5 * 60;

/** Throws unless the body, a Buffer, is genuine and recent. */
export function verify(secret, id, timestamp, signatures, body) {
  const age = Date.now() / 1000 - Number(timestamp);
  if (!(Math.abs(age) <= TOLERANCE_S)) throw new Error('too old, or too new');
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // There can be several, with spaces between them.
  const genuine = signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',');
    const given = Buffer.from(value, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!genuine) throw new Error('no signature matches');
}

// When this is run, rather than imported.
if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  const [id, timestamp, signatures] = process.argv.slice(2);
  verify(process.env.WEBHOOK_SECRET, id, timestamp, signatures, await buffer(process.stdin));
  console.log('genuine');
}
