import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorizationIn, isMadeUpKey, readAuthorization } from '../../../src/domain/access/authorization.ts';
import { hashOfKey, newKey, prefixOfKey } from '../../../src/domain/access/key.ts';
import { systemRandom } from '../../../src/domain/random.ts';

const KEY = newKey(systemRandom());

describe('The header that says who calls', () => {
  it('holds a key, whatever the case of its scheme and however many spaces follow', () => {
    for (const header of [`Bearer ${KEY}`, `bearer ${KEY}`, `BEARER   ${KEY}`]) {
      assert.deepEqual(readAuthorization(header), { key: KEY });
    }
  });

  const faults: readonly [what: string, header: string | undefined, fault: RegExp][] = [
    ['is missing', undefined, /takes only calls with a key/],
    ['is empty', '', /takes only calls with a key/],
    ['has another scheme', `Basic ${btoa(`x:${KEY}`)}`, /must be Bearer, and not Basic/],
    ['has a key without a scheme', KEY, /must be Bearer: send/],
    ['has only a scheme', 'Bearer', /no key of this server/],
    ['has a key with a space in it', `Bearer ck_abc ${KEY}`, /white space/],
    ['has a key with a tab after it', `Bearer ${KEY}\t`, /white space/],
    ['has a token of somebody else', 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x', /no key of this server/],
    ['has several keys', `Bearer ${KEY}, Bearer ${KEY}`, /there once, with one key/],
    ['is very long', `Bearer ck_${'a'.repeat(10_000)}`, /no key of this server/],
  ];
  for (const [what, header, fault] of faults) {
    it(`is refused when it ${what}, in words that do not repeat the key`, () => {
      const read = readAuthorization(header);
      assert.ok('fault' in read);
      assert.match(read.fault, fault);
      assert.ok(!read.fault.includes(KEY.slice(3, 20)));
    });
  }
});

describe('What a request says about who calls', () => {
  it('is in its one header, in whatever case', () => {
    for (const name of ['authorization', 'Authorization', 'AUTHORIZATION']) {
      assert.equal(authorizationIn({ rawHeaders: ['host', name, name, `Bearer ${KEY}`] }), `Bearer ${KEY}`);
    }
    assert.equal(authorizationIn({ rawHeaders: ['x-header-auth', `Bearer ${KEY}`] }), undefined);
  });

  it('is no key where the header is there several times, one of which is empty, too', () => {
    for (const [first, second] of [
      [`Bearer ${KEY}`, `Bearer ${KEY}`],
      [`Bearer ${KEY}`, ''],
      [`Bearer ${KEY}`, 'Basic eDp5'],
      ['', `Bearer ${KEY}`],
    ] as const) {
      const shown = authorizationIn({ rawHeaders: ['authorization', first, 'Authorization', second] });
      assert.ok('fault' in readAuthorization(shown), String(shown));
    }
  });
});

describe('A key', () => {
  it('has 256 random bits, and shows 48 of them', () => {
    assert.match(KEY, /^ck_[\w-]{43}$/);
    assert.equal(prefixOfKey(KEY), KEY.slice(0, 11));
    assert.notEqual(KEY, newKey(systemRandom()));
  });

  it('is kept as its SHA-256', () => {
    // From sha256sum.
    assert.equal(hashOfKey('abc'), Buffer.from(SHA256_OF_ABC, 'hex').toString('base64url'));
  });

  it('that an operator makes up is long enough, and of characters that need no quoting', () => {
    for (const good of [`ck_${'0af1'.repeat(16)}`, `ck_${'a'.repeat(40)}`, KEY]) assert.ok(isMadeUpKey(good));
    for (const bad of [
      '',
      'secret',
      'ck_short',
      `ck_${'a'.repeat(39)}`,
      `ck_${'a'.repeat(129)}`,
      `ck ${KEY}`,
      `${KEY} `,
    ]) {
      assert.ok(!isMadeUpKey(bad), bad);
    }
  });
});

const SHA256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
