// Checks one request by the public key of its namespace: no secret is needed for that.
//
//     JWKS_URL=http://127.0.0.1:8090/.well-known/jwks.json \
//       node public.mjs <webhook-id> <webhook-timestamp> <webhook-signature> < body
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

const TOLERANCE_S = 5 * 60;

/** Throws unless the body, a Buffer, is genuine and recent. The keys are those of the JWKS. */
function verify(keys, id, timestamp, signatures, body) {
  const age = Date.now() / 1000 - Number(timestamp);
  if (!(Math.abs(age) <= TOLERANCE_S)) throw new Error('too old, or too new');
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const publicKeys = keys.map((key) => createPublicKey({ key, format: 'jwk' }));
  // There can be several, with spaces between them, and those that are made with a secret.
  const genuine = signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',');
    if (version !== 'v1a') return false;
    return publicKeys.some((key) => verifySignature(null, signed, key, Buffer.from(value, 'base64')));
  });
  if (!genuine) throw new Error('no signature matches');
}

// Keep the keys for as long as cache-control says, and ask again when none of them matches.
const { keys } = await (await fetch(process.env.JWKS_URL)).json();
verify(keys, ...process.argv.slice(2), await buffer(process.stdin));
console.log('genuine');
