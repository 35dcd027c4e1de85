import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { notePeer } from '../../../src/domain/access/peer.ts';
import { type ForwardedHeader, type Source, sourceOf } from '../../../src/domain/access/source.ts';
import { parseCidrs } from '../../../src/domain/webhook/cidr.ts';

const TRUSTED = parseCidrs(['10.0.0.0/8', 'fd00::/8']);
/** Whom the proxy saw, in documentation's addresses (RFC 5737). */
const CALLER = '203.0.113.7';
const LIE = '198.51.100.1';

function from(
  remoteAddress: string | undefined,
  headers: IncomingHttpHeaders,
  forwardedHeader: ForwardedHeader = 'x-forwarded-for',
): Source {
  return sourceOf({ remoteAddress }, headers, { trustedProxies: TRUSTED, forwardedHeader });
}

const addressFor = (xff: string, remote = '10.0.0.1') => from(remote, { 'x-forwarded-for': xff }).address;
const forwardedFor = (forwarded: string, remote = '10.0.0.1') => from(remote, { forwarded }, 'forwarded');

describe('The address of a caller', () => {
  it('is that of the connection, unless it is of a trusted proxy', () => {
    assert.equal(addressFor(LIE, CALLER), CALLER);
    assert.equal(addressFor(LIE, '::1'), '::1');
    assert.equal(from('10.0.0.1', {}).address, '10.0.0.1');
    assert.equal(from(undefined, { 'x-forwarded-for': LIE }).address, undefined);
    const nobody = { trustedProxies: [], forwardedHeader: 'x-forwarded-for' } as const;
    assert.equal(sourceOf({ remoteAddress: CALLER }, { 'x-forwarded-for': LIE }, nobody).address, CALLER);
  });

  it('is the last one in the header that is not of a trusted proxy, whatever its caller wrote before', () => {
    for (const [header, address] of [
      [CALLER, CALLER],
      [`${LIE}, ${CALLER}`, CALLER],
      [`10.9.9.9, ${CALLER}`, CALLER],
      [`${LIE}, 10.9.9.9, ${CALLER}, 10.0.0.2`, CALLER],
      [`unknown, "', ${CALLER}`, CALLER],
      [`${LIE},,${CALLER} ,, `, CALLER],
      // All of them are trusted: somebody inside has called.
      ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
      // What cannot be read hides who was there, and whoever stands before that is not believed.
      [`${LIE}, unknown`, '10.0.0.1'],
      [`${LIE}, unknown, 10.0.0.2`, '10.0.0.2'],
      [`${LIE}, 010.0.0.1`, '10.0.0.1'],
      ['', '10.0.0.1'],
    ] as const) {
      assert.equal(addressFor(header), address, header);
    }
  });

  it('is read with a port, in brackets, and of IPv4 within IPv6', () => {
    for (const [header, address] of [
      [`${CALLER}:4711`, CALLER],
      ['[2001:db8::7]:4711', '2001:db8::7'],
      ['2001:db8::7', '2001:db8::7'],
      [`::ffff:${CALLER}`, CALLER],
      [`${CALLER}, ::ffff:10.0.0.2`, CALLER],
    ] as const) {
      assert.equal(addressFor(header), address, header);
    }
    // A socket that listens on all addresses shows those of IPv4 so.
    assert.equal(addressFor(CALLER, '::ffff:10.0.0.1'), CALLER);
    assert.equal(addressFor(CALLER, 'fd00::1%eth0'), CALLER);
    assert.equal(from(`::ffff:${CALLER}`, {}).address, CALLER);
  });

  it('is read from Forwarded, where that is what proxies write, and from nothing else then', () => {
    for (const [header, address] of [
      [`for=${CALLER}`, CALLER],
      [`For=${LIE};proto=http, for="${CALLER}:80";by=10.0.0.1;proto=https`, CALLER],
      ['for="[2001:db8::7]:4711"', '2001:db8::7'],
      [`for=${CALLER}, for=10.0.0.2`, CALLER],
      [`for=${LIE}, for=unknown`, '10.0.0.1'],
      [`for=${LIE}, for=_hidden`, '10.0.0.1'],
      // A quote that is left open would swallow what the proxy has added.
      [`for="${LIE}, for=${CALLER}`, '10.0.0.1'],
      [`for=${LIE};for=${CALLER}`, '10.0.0.1'],
      [`proto=https;for=${CALLER};`, CALLER],
      ['', '10.0.0.1'],
    ] as const) {
      assert.equal(forwardedFor(header).address, address, header);
    }
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': LIE }, 'forwarded').address, '10.0.0.1');
    assert.equal(addressFor(CALLER), CALLER);
    const both = { 'x-forwarded-for': CALLER, forwarded: `for=${LIE}` };
    assert.equal(from('10.0.0.1', both).address, CALLER);
  });

  it('is read from a long header in no time, however it is written', () => {
    const long = 15_000;
    const filled = (filling: string) => filling.repeat(Math.floor(long / filling.length));
    for (const filling of [
      ' ',
      '\t ',
      'a',
      'a-',
      '=',
      'for=',
      'for="',
      '"',
      '\\"',
      ',',
      ';',
      'for=a; ',
      ' , ',
    ]) {
      for (const [before, after] of [
        ['', 'x'],
        [`for=${LIE},`, `x, for=${CALLER}`],
        [`for="`, `, for=${CALLER}`],
      ] as const) {
        const header = before + filled(filling) + after;
        const beganAt = performance.now();
        forwardedFor(header);
        addressFor(header);
        const tookMs = performance.now() - beganAt;
        assert.ok(tookMs < 200, `${JSON.stringify(before + filling)} repeated took ${tookMs} ms`);
      }
    }
  });

  it('is what the proxy adds, with anything before it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (before) => {
        assert.equal(addressFor(`${before}, ${CALLER}`), CALLER);
        const { address } = forwardedFor(`${before}, for=${CALLER}`);
        assert.ok(address === CALLER || address === '10.0.0.1');
      }),
    );
  });
});

describe('Whether a caller has called over TLS', () => {
  it('is what the connection says, or not known, unless a trusted proxy has called', () => {
    const headers = { 'x-forwarded-proto': 'https', forwarded: `for=${LIE};proto=https` };
    assert.equal(from(CALLER, headers).isSecure, undefined);
    const line = { remoteAddress: CALLER };
    notePeer(line, { certificate: undefined });
    const policy = { trustedProxies: TRUSTED, forwardedHeader: 'x-forwarded-for' } as const;
    assert.equal(sourceOf(line, { 'x-forwarded-proto': 'http' }, policy).isSecure, true);
  });

  it('is what a trusted proxy says', () => {
    const scheme = (proto?: string) =>
      from('10.0.0.1', { ...(proto && { 'x-forwarded-proto': proto }) }).isSecure;
    assert.deepEqual(
      [scheme('https'), scheme('HTTPS'), scheme('http'), scheme('https, http'), scheme('ftp'), scheme()],
      [true, true, false, false, undefined, undefined],
    );
    for (const odd of ['constructor', '__proto__', 'toString', ','])
      assert.equal(scheme(odd), undefined, odd);
    const told = (forwarded: string) => forwardedFor(forwarded).isSecure;
    assert.deepEqual(
      [
        told(`for=${LIE};proto=https, for=${CALLER}`),
        told(`for=${CALLER};proto=HTTPS`),
        told(`for=${CALLER};proto="http"`),
      ],
      [undefined, true, false],
    );
  });
});
