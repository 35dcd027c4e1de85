import assert from 'node:assert/strict';
import { createPublicKey, sign, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { systemRandom } from '../../../src/domain/random.ts';
import { newNamespaceKey, openNamespaceKey, publicJwk } from '../../../src/domain/webhook/namespace-key.ts';
import { T0 } from '../../support/store.ts';

const random = systemRandom();
const sealKey = random.bytes(32);

describe('The key of a namespace', () => {
  it('signs what its public key as JSON verifies, and stands sealed', () => {
    const key = newNamespaceKey({ namespace: 'shop', now: T0, sealKey, random });
    const signature = sign(null, Buffer.from('hello'), openNamespaceKey(sealKey, key));
    const jwk = { ...publicJwk(key) };
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    assert.ok(verify(null, Buffer.from('hello'), publicKey, signature));
    assert.ok(!verify(null, Buffer.from('hullo'), publicKey, signature));
    assert.deepEqual([jwk.kid, jwk.use, jwk.alg], [key.id, 'sig', 'EdDSA']);
  });

  it('can be opened for no other namespace, and with no other key', () => {
    const key = newNamespaceKey({ namespace: 'shop', now: T0, sealKey, random });
    for (const [with_, of] of [
      [sealKey, { ...key, namespace: 'other' }],
      [random.bytes(32), key],
    ] as const) {
      assert.throws(() => openNamespaceKey(with_, of), { code: 'FAILED_PRECONDITION' });
    }
  });

  it('is the published one for the published seed, and has its published thumbprint', () => {
    // RFC 8037, appendix A.1 to A.3.
    const seed = Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url');
    const drawn = [new Uint8Array(seed), random.bytes(12)];
    const published = { unit: () => 0, bytes: () => drawn.shift()! };
    const key = newNamespaceKey({ namespace: 'shop', now: T0, sealKey, random: published });
    assert.equal(publicJwk(key).x, '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo');
    assert.equal(key.id, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });
});
