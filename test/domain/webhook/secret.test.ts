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
const owner = { namespace: 'default', id: 'wh_1' };
/** 32 bytes of 3, by the key here. */
const SEALED_BY_VERSION_1 =
  'AQkJCQkJCQkJCQkJCSSGh5e988Jio2HIO+XpoNzXs2DwN+30w2ytRaXWdwJ539sCAvQAoZWrXhfFwukgyA==';

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
      assert.deepEqual(openSecret(key, sealSecret(key, secret, owner, random), owner), secret);
    }
  });

  it('does not hold the secret, and differs from every other seal of it', () => {
    const secret = newSecret(random);
    const [one, other] = [sealSecret(key, secret, owner, random), sealSecret(key, secret, owner, random)];
    assert.equal(Buffer.from(one).includes(secret), false);
    assert.notDeepEqual(one, other);
  });

  it('does not open with another key, and says what to do', () => {
    const sealed = sealSecret(key, newSecret(random), owner, random);
    assert.throws(() => openSecret(new Uint8Array(32).fill(8), sealed, owner), {
      code: 'FAILED_PRECONDITION',
      message: /start Carillon with the key/,
    });
  });

  it('does not open once any of its bytes was changed, or it was cut', () => {
    const sealed = sealSecret(key, newSecret(random), owner, random);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      assert.throws(() => openSecret(key, changed, owner), { code: 'FAILED_PRECONDITION' }, `byte ${i}`);
      assert.throws(
        () => openSecret(key, sealed.subarray(0, i), owner),
        { code: 'FAILED_PRECONDITION' },
        `cut at ${i}`,
      );
    }
  });

  it('says so when a later version wrote it', () => {
    const sealed = sealSecret(key, newSecret(random), owner, random);
    sealed[0] = 3;
    assert.throws(() => openSecret(key, sealed, owner), {
      code: 'FAILED_PRECONDITION',
      message: /format 3/,
    });
  });

  it('names the key that it was sealed with, and the one that was given', () => {
    const sealed = sealSecret(key, newSecret(random), owner, random);
    const other = new Uint8Array(32).fill(8);
    const written = Buffer.from(sealed.subarray(1, 9)).toString('hex');
    assert.throws(() => openSecret(other, sealed, owner), {
      message: new RegExp(`with the key ${written},`),
    });
  });

  it('does not open for another webhook, nor for one of the same id in another namespace', () => {
    const sealed = sealSecret(key, newSecret(random), owner, random);
    for (const other of [
      { ...owner, id: 'wh_2' },
      { ...owner, namespace: 'acme' },
    ]) {
      assert.throws(() => openSecret(key, sealed, other), { code: 'FAILED_PRECONDITION' });
    }
  });

  it('opens as well when a version wrote it that did not say which key it was', () => {
    const old = new Uint8Array(Buffer.from(SEALED_BY_VERSION_1, 'base64'));
    assert.deepEqual(openSecret(key, old, owner), new Uint8Array(32).fill(3));
  });

  it('wants a key of 32 bytes', () => {
    const short = new Uint8Array(31);
    assert.throws(() => sealSecret(short, newSecret(random), owner, random), {
      code: 'INVALID',
      message: /31 bytes/,
    });
    assert.throws(() => openSecret(short, Uint8Array.of(1), owner), { code: 'INVALID', message: /31 bytes/ });
  });
});
