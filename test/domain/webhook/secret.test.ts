import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DomainError } from '../../../src/domain/error.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import {
  formatSecret,
  newSecret,
  openSecret,
  parseSecret,
  sealSecret,
} from '../../../src/domain/webhook/secret.ts';

interface Vectors {
  secrets: { name: string; secret: string; our_registration: 'accept' | 'reject' }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../testdata/standard-webhooks-vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const random = systemRandom();
const key = new Uint8Array(32).fill(7);

describe('a signing secret', () => {
  for (const { name, secret, our_registration: verdict } of vectors.secrets) {
    it(`is ${verdict === 'accept' ? 'taken' : 'refused'} when it is: ${name}`, () => {
      if (verdict === 'accept') assert.equal(formatSecret(parseSecret(secret)), secret);
      else assert.throws(() => parseSecret(secret), { name: 'DomainError', code: 'INVALID' });
    });
  }

  it('is refused with a space, a newline or bits that no byte has', () => {
    const good = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX';
    for (const bad of [` ${good}`, `${good}\n`, good.replace('whsec_', 'WHSEC_'), `${good}AB==`]) {
      assert.throws(() => parseSecret(bad), { code: 'INVALID' }, JSON.stringify(bad));
    }
  });

  it('names the field and the rule when it is refused, and not the secret', () => {
    const text = `whsec_${Buffer.alloc(23, 1).toString('base64')}`;
    assert.throws(
      () => parseSecret(text, 'secret'),
      (error) => {
        assert.ok(error instanceof DomainError);
        assert.equal(error.violations[0]?.field, 'secret');
        assert.match(error.message, /23 bytes.*24 to 64/);
        assert.ok(!error.message.includes(text.slice(6)));
        return true;
      },
    );
  });

  it('is 32 bytes when it is new, and differs from the one before', () => {
    const [one, other] = [newSecret(random), newSecret(random)];
    assert.equal(one.length, 32);
    assert.notDeepEqual(one, other);
    assert.deepEqual(parseSecret(formatSecret(one)), one);
  });
});

describe('a sealed secret', () => {
  it('opens to what was sealed', () => {
    for (const length of [24, 32, 64]) {
      const secret = random.bytes(length);
      assert.deepEqual(openSecret(key, sealSecret(key, secret, random)), secret);
    }
  });

  it('does not hold the secret, and differs from every other seal of it', () => {
    const secret = newSecret(random);
    const [one, other] = [sealSecret(key, secret, random), sealSecret(key, secret, random)];
    assert.equal(Buffer.from(one).includes(secret), false);
    assert.notDeepEqual(one, other);
  });

  it('does not open with another key, and says what to do', () => {
    const sealed = sealSecret(key, newSecret(random), random);
    assert.throws(() => openSecret(new Uint8Array(32).fill(8), sealed), {
      code: 'FAILED_PRECONDITION',
      message: /start Carillon with the key/,
    });
  });

  it('does not open once any of its bytes was changed, or it was cut', () => {
    const sealed = sealSecret(key, newSecret(random), random);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      assert.throws(() => openSecret(key, changed), { code: 'FAILED_PRECONDITION' }, `byte ${i}`);
      assert.throws(
        () => openSecret(key, sealed.subarray(0, i)),
        { code: 'FAILED_PRECONDITION' },
        `cut at ${i}`,
      );
    }
  });

  it('says so when a later version wrote it', () => {
    const sealed = sealSecret(key, newSecret(random), random);
    sealed[0] = 2;
    assert.throws(() => openSecret(key, sealed), { code: 'FAILED_PRECONDITION', message: /format 2/ });
  });

  it('wants a key of 32 bytes', () => {
    const short = new Uint8Array(31);
    assert.throws(() => sealSecret(short, newSecret(random), random), {
      code: 'INVALID',
      message: /31 bytes/,
    });
    assert.throws(() => openSecret(short, Uint8Array.of(1)), { code: 'INVALID', message: /31 bytes/ });
  });
});
