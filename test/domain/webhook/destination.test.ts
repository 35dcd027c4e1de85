import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type AddressPolicy,
  judgeAddress,
  LOOPBACK,
  PUBLIC_ONLY,
  parseCidrs,
} from '../../../src/domain/webhook/address.ts';
import { DESTINATION_LENGTH_MAX, judgeDestination } from '../../../src/domain/webhook/destination.ts';
import { parseDestinationRules } from '../../../src/domain/webhook/destination-rule.ts';

interface Case {
  url: string;
  why: string;
  expect: 'deny' | 'allow';
  dns?: string[];
  dns_sequence?: string[][];
}

const cases = JSON.parse(
  readFileSync(new URL('../../testdata/destination-cases.json', import.meta.url), 'utf8'),
) as Case[];
const allowing = (...ranges: string[]): AddressPolicy => ({ allow: parseCidrs(ranges) });
const dev = allowing(...LOOPBACK);

function refusal(text: string, policy = PUBLIC_ONLY): string | undefined {
  const verdict = judgeDestination(text, { policy });
  return 'refused' in verdict ? verdict.refused : undefined;
}

/** The verdict of the whole guard, with the answers that the resolver would give at each attempt. */
function guarded({ url, dns, dns_sequence }: Case): 'deny' | 'allow' {
  if (refusal(url) !== undefined) return 'deny';
  const answers = [...(dns ?? []), ...(dns_sequence ?? []).flat()];
  return answers.every((ip) => judgeAddress(ip, PUBLIC_ONLY) === 'allow') ? 'allow' : 'deny';
}

describe('a destination', () => {
  for (const one of cases) {
    const name = one.url.length > 100 ? `${one.url.slice(0, 100)}…` : one.url;
    it(`is ${one.expect === 'allow' ? 'allowed' : 'denied'}: ${JSON.stringify(name)} (${one.why})`, () => {
      assert.equal(guarded(one), one.expect, refusal(one.url) ?? 'taken by its text');
    });
  }

  /** What is wrong must be said at registration, not found out at the first attempt. */
  const early: [string, RegExp][] = [
    ['', /must not be empty.*absolute http or https URL/],
    ['example.com/hook', /absolute URL with its scheme/],
    ['/hook', /absolute URL with its scheme/],
    ['//example.com/hook', /absolute URL with its scheme/],
    ['ftp://example.com/', /scheme ftp: only http and https/],
    ['localhost:8080/hook', /scheme localhost/],
    ['http:example.com', /must have a host after http:\/\//],
    ['https:///example.com', /must have a host after https:\/\//],
    ['https://user:secret@example.com/', /user info.*header instead/],
    ['https://@example.com/', /user info/],
    ['https://example.com/\t', /control characters/],
    ['https://exa\nmple.com/', /control characters/],
    ['https://example.com/\u0085', /control characters/],
    [' https://example.com/', /begin or end with white space/],
    ['https://example.com/\u00a0', /begin or end with white space/],
    ['https://example.com/a b', /write a space as %20/],
    ['https://example.com/a\\b', /backslash.*%5C/],
    ['https://example.com/\ud800', /surrogate/],
    ['https://exa%6dple.com/', /without percent-encoding/],
    ['https://[fe80::1%25eth0]/', /without percent-encoding/],
    ['https://example.com:99999/', /not a valid URL/],
    ['https://xn--a1.example.com/', /not a valid URL: check its host/],
    ['https://٣.example.com/', /not a valid URL: check its host/],
    ['https://exa mple.com/', /white space/],
    ['https://a..example.com/', /no domain name/],
    ['https://example.com:0/', /port 0/],
    ['http://127.0.0.1/', /127\.0\.0\.1 is a loopback address.*operator allow/],
    ['http://[::ffff:10.0.0.1]/', /::ffff:a00:1 is an IPv4-mapped address/],
    ['http://localhost/', /localhost is this machine/],
    ['http://localhost./', /localhost is this machine/],
    ['http://api.internal/', /api\.internal is not a public domain name/],
    ['http://receiver:8080/', /receiver is not a public domain name/],
  ];
  for (const [text, message] of early) {
    it(`is refused at once with a reason: ${JSON.stringify(text)}`, () => {
      assert.match(refusal(text) ?? 'taken', message);
    });
  }

  it('is taken with exactly 2,048 characters and refused with one more', () => {
    const base = 'https://example.com/';
    const longest = base + 'a'.repeat(DESTINATION_LENGTH_MAX - base.length);
    assert.equal(refusal(longest), undefined);
    assert.match(refusal(`${longest}a`) ?? 'taken', /2049 characters: give at most 2048/);
  });

  it('keeps its path and query byte for byte, and loses its fragment', () => {
    const verdict = judgeDestination('https://EXAMPLE.com/a%2F..%2Fb?q=a+b%2Bc#part', {
      policy: PUBLIC_ONLY,
    });
    assert.ok('url' in verdict);
    assert.equal(verdict.url.href, 'https://example.com/a%2F..%2Fb?q=a+b%2Bc');
  });

  it('may be this machine where the policy allows loopback, in every usual spelling', () => {
    for (const host of [
      '127.0.0.1:8090',
      '[::1]:8090',
      'localhost:8090',
      'LOCALHOST',
      'app.localhost',
      'localhost.',
    ]) {
      assert.equal(refusal(`http://${host}/hook`, dev), undefined, host);
    }
    for (const host of ['10.0.0.1', 'printer.local', 'intranet', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]']) {
      assert.notEqual(refusal(`http://${host}/hook`, dev), undefined, host);
    }
  });

  it('may have a name that only means something inside where the policy allows an inner range', () => {
    const inside = allowing('172.16.0.0/12');
    for (const host of ['receiver:8080', 'api.internal', 'hooks.default.svc.cluster.local', '172.18.0.2']) {
      assert.equal(refusal(`http://${host}/`, inside), undefined, host);
    }
    for (const host of ['localhost', '10.0.0.1'])
      assert.notEqual(refusal(`http://${host}/`, inside), undefined);
  });

  const lists = (allow: string[], deny: string[] = [], only: string[] = []): AddressPolicy => ({
    allow: parseDestinationRules(allow, 'allow'),
    deny: parseDestinationRules(deny, 'deny'),
    only: parseDestinationRules(only, 'only'),
  });

  it('may be inside where the operator allows its name or its port, and nowhere else', () => {
    const policy = lists(['receiver:8080', '*.svc.cluster.local', '10.0.0.0/8:9000']);
    for (const url of [
      'http://receiver:8080/',
      'https://a.default.svc.cluster.local/',
      'http://10.1.2.3:9000/',
    ])
      assert.equal(refusal(url, policy), undefined, url);
    for (const url of [
      'http://receiver/',
      'http://other:8080/',
      'http://10.1.2.3/',
      'http://192.168.0.1:9000/',
    ])
      assert.match(refusal(url, policy) ?? 'taken', /^points inside/, url);
  });

  it('is refused where the operator denies it, whatever allows it', () => {
    const policy = lists(['*'], ['evil.example', '*.evil.example', '8.8.8.0/24', '10.0.0.0/8', '*:8000']);
    for (const url of [
      'https://evil.example/',
      'https://EVIL.example./',
      'https://a.evil.example/',
      'https://8.8.8.8/',
      'https://[::ffff:8.8.8.8]/',
      'https://[64:ff9b::8.8.8.8]/',
      'https://[2002:808:808::1]/',
      'https://10.0.0.1/',
      'https://good.example:8000/',
    ])
      assert.match(refusal(url, policy) ?? 'taken', /may not be called: .* denied by the operator/, url);
    assert.equal(refusal('https://good.example/', policy), undefined);
    assert.equal(
      refusal('https://a.evil.example/', policy),
      'may not be called: a.evil.example:443 is denied by the operator (--deny-destinations); use another host',
    );
  });

  it('has to be among the only ones that the operator allows, if there are any', () => {
    const policy = lists([], ['bad.partner.example'], ['*.partner.example:443', '8.8.8.0/24', '10.0.0.0/8']);
    for (const url of ['https://a.partner.example/', 'https://8.8.8.8/'])
      assert.equal(refusal(url, policy), undefined, url);
    assert.match(refusal('https://1.1.1.1/', policy) ?? 'taken', /not among what the operator allows/);
    assert.match(refusal('https://bad.partner.example/', policy) ?? 'taken', /denied by the operator/);
    assert.match(refusal('https://10.0.0.1/', policy) ?? 'taken', /points inside: 10\.0\.0\.1 is a private/);
    // The addresses of a name decide where a rule is about some, and they are judged when it is called.
    assert.equal(refusal('https://other.example/', policy), undefined);
    const names = lists([], [], ['*.partner.example:443']);
    for (const url of ['https://other.example/', 'http://a.partner.example/', 'https://partner.example/'])
      assert.match(refusal(url, names) ?? 'taken', /not among what the operator allows/, url);
  });

  it('never has a URL whose host is an address that the policy denies', () => {
    const digits = fc.constantFrom(
      '0',
      '1',
      '7',
      '10',
      '127',
      '169',
      '254',
      '255',
      '0x7f',
      '0177',
      '256',
      '٣',
      '１',
    );
    const host = fc.array(digits, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(host, (text) => {
        const verdict = judgeDestination(`http://${text}/`, { policy: PUBLIC_ONLY });
        if ('refused' in verdict) return;
        assert.equal(judgeAddress(verdict.url.hostname, PUBLIC_ONLY), 'allow');
      }),
    );
  });

  it('is either refused or an http URL without user info, whatever the text', () => {
    const pieces = fc.constantFrom(
      'http',
      'https',
      ':',
      '/',
      '//',
      '@',
      '\\',
      '?',
      '#',
      '[',
      ']',
      '%',
      '::1',
      'a',
      'example.com',
      '.',
      ' ',
      '\t',
      ':80',
      '\u0000',
      '例え',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const verdict = judgeDestination(parts.join(''), { policy: PUBLIC_ONLY });
        if ('refused' in verdict) return;
        assert.match(verdict.url.protocol, /^https?:$/);
        assert.equal(verdict.url.username + verdict.url.password + verdict.url.hash, '');
        assert.notEqual(verdict.url.hostname, '');
      }),
      { numRuns: 2000 },
    );
  });
});
