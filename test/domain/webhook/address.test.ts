import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type AddressPolicy,
  allowsBeyondLoopback,
  judgeAddress,
  judgeLoopback,
  LOOPBACK,
  PUBLIC_ONLY,
  parseCidrs,
} from '../../../src/domain/webhook/address.ts';

interface Case {
  url: string;
  why: string;
  expect: 'deny' | 'allow';
  group: string;
  dns?: string[];
  dns_sequence?: string[][];
}

const cases = JSON.parse(
  readFileSync(new URL('../../testdata/destination-cases.json', import.meta.url), 'utf8'),
) as Case[];
const allowing = (...ranges: string[]): AddressPolicy => ({ allow: parseCidrs(ranges) });
const allowed = (ip: string, policy = PUBLIC_ONLY) => judgeAddress(ip, policy) === 'allow';

const allowsLoopback = (policy: AddressPolicy) => judgeLoopback(policy) === 'allow';

/** What the guard does with the answers to a name: one that is forbidden refuses them all. */
const allAllowed = (answers: string[]) => answers.every((ip) => allowed(ip));

describe('judging an address', () => {
  for (const { url, why, expect, dns } of cases.filter(({ dns, group }) => dns && /dns|name/.test(group))) {
    it(`${expect === 'allow' ? 'allows' : 'denies'} the answers to ${url} (${why})`, () => {
      assert.equal(allAllowed(dns ?? []), expect === 'allow');
    });
  }

  for (const { url, why, dns_sequence } of cases.filter((one) => one.dns_sequence)) {
    it(`allows the first answers to ${url} and denies the later ones (${why})`, () => {
      assert.deepEqual(dns_sequence?.map(allAllowed), [true, false]);
    });
  }

  for (const { url, why, expect } of cases.filter(({ group }) =>
    /^(v6|v4-range|allow-address)$/.test(group),
  )) {
    const host = /^http:\/\/\[([^\]]*)\]/.exec(url)?.[1] ?? URL.parse(url)?.hostname;
    if (host === undefined || (host.startsWith('[') && host.endsWith(']'))) continue;
    it(`${expect === 'allow' ? 'allows' : 'denies'} ${host} (${why})`, () => {
      assert.equal(allowed(host), expect === 'allow');
    });
  }

  it('denies whatever is not one address in its plain form', () => {
    for (const text of [
      '',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '010.0.0.1',
      '8.8.8.8/32',
      '[::1]',
      '1.2.3.4.5',
      '256.1.1.1',
    ]) {
      assert.notEqual(judgeAddress(text, PUBLIC_ONLY), 'allow', text);
    }
  });

  it('denies an address with a zone even where its range is allowed', () => {
    assert.equal(allowed('fe80::1', allowing('fe80::/10')), true);
    assert.equal(allowed('fe80::1%eth0', allowing('fe80::/10')), false);
  });

  it('denies a public prefix with an ISATAP identifier', () => {
    assert.equal(allowed('2606:4700::5efe:a00:1'), false);
    assert.equal(allowed('2606:4700::200:5efe:a00:1'), false);
    assert.equal(allowed('2606:4700::300:5efe:a00:1'), true);
  });

  it('says what the address is', () => {
    assert.deepEqual(judgeAddress('10.1.2.3', PUBLIC_ONLY), { deny: '10.1.2.3 is a private address' });
    assert.deepEqual(judgeAddress('::1', PUBLIC_ONLY), { deny: '::1 is a loopback address' });
    assert.deepEqual(judgeAddress('192.0.2.1', PUBLIC_ONLY), { deny: '192.0.2.1 is a reserved address' });
  });
});

/**
 * Every block of the IANA special-purpose address registries (of 2025), and what stands beside them: multicast, and
 * what is public in no registry. Those that are globally reachable are there too: none of them is a web server.
 */
const SPECIAL = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '239.255.255.255'],
  ['240.0.0.0', '255.255.255.255'],
  ['::', '::1'],
  ['::7f00:1', '::ffff:ffff'],
  ['::ffff:0:0', '::ffff:ffff:ffff'],
  ['64:ff9b::', '64:ff9b::ffff:ffff'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::', '100::ffff:ffff:ffff:ffff'],
  ['100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff'],
  ['3ffe::', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
] as const;

describe('a special-purpose address', () => {
  for (const [first, last] of SPECIAL) {
    it(`is denied from ${first} to ${last}`, () => {
      assert.deepEqual([allowed(first), allowed(last)], [false, false]);
    });
  }

  it('has public neighbours', () => {
    for (const ip of [
      '168.63.129.15',
      '168.63.129.17',
      '192.0.1.0',
      '2001:200::',
      '2003::',
      '2620:4f:8001::',
    ])
      assert.equal(allowed(ip), true, ip);
  });

  it("is Azure's platform, also at the end of NAT64, until an operator allows it", () => {
    assert.deepEqual(judgeAddress('168.63.129.16', PUBLIC_ONLY), {
      deny: "168.63.129.16 is the address of Azure's platform",
    });
    assert.equal(allowed('64:ff9b::a83f:8110', allowing('64:ff9b::/96')), false);
    assert.equal(allowed('168.63.129.16', allowing('168.63.129.16')), true);
  });
});

describe('an address policy', () => {
  it('allows what is in its ranges, to their last address', () => {
    const policy = allowing('10.0.0.0/8', 'fd00::/8', '192.168.1.7');
    for (const ip of ['10.0.0.0', '10.255.255.255', 'fd00::1', '192.168.1.7', '8.8.8.8']) {
      assert.equal(allowed(ip, policy), true, ip);
    }
    for (const ip of ['11.0.0.0', '192.168.1.8', '192.168.1.6', '127.0.0.1', 'fc00::1', '172.16.0.1']) {
      assert.equal(allowed(ip, policy), ip === '11.0.0.0', ip);
    }
  });

  it('does not allow the IPv6 forms of an IPv4 address by its IPv4 range', () => {
    const policy = allowing('127.0.0.0/8');
    assert.equal(allowed('127.0.0.1', policy), true);
    for (const ip of ['::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::127.0.0.1', '2002:7f00:1::', '::1']) {
      assert.equal(allowed(ip, policy), false, ip);
    }
  });

  it('that allows NAT64 still judges the IPv4 address at its end', () => {
    const policy = allowing('64:ff9b::/96');
    assert.equal(allowed('64:ff9b::808:808', policy), true);
    assert.deepEqual(judgeAddress('64:ff9b::10.0.0.1', policy), {
      deny: '64:ff9b::10.0.0.1 is a NAT64 address, and 10.0.0.1 is a private address',
    });
    assert.equal(allowed('64:ff9b::10.0.0.1', allowing('64:ff9b::/96', '10.0.0.0/8')), true);
  });

  it('knows whether this machine, and whether anything else inside, can be reached', () => {
    const dev = allowing(...LOOPBACK);
    assert.deepEqual([allowsLoopback(dev), allowsBeyondLoopback(dev)], [true, false]);
    assert.deepEqual([allowsLoopback(PUBLIC_ONLY), allowsBeyondLoopback(PUBLIC_ONLY)], [false, false]);
    const inside = allowing('10.0.0.0/8');
    assert.deepEqual([allowsLoopback(inside), allowsBeyondLoopback(inside)], [false, true]);
    const all = allowing('0.0.0.0/0');
    assert.deepEqual([allowsLoopback(all), allowsBeyondLoopback(all)], [true, true]);
  });
});

describe('parsing ranges', () => {
  it('refuses what is not a range, and names it', () => {
    for (const text of [
      '',
      'intranet',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10/8',
      '::1/129',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      'fe80::1%eth0',
      ' 10.0.0.0/8',
    ]) {
      assert.throws(
        () => parseCidrs(['127.0.0.0/8', text]),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'INVALID');
          assert.ok(error.message.includes(JSON.stringify(text)), error.message);
          return true;
        },
      );
    }
  });

  it('refuses bits beyond the prefix, and says what was meant', () => {
    assert.throws(() => parseCidrs(['10.1.2.3/8']), { code: 'INVALID', message: /write 10\.0\.0\.0\/8/ });
    assert.throws(() => parseCidrs(['fd00::1/8']), { code: 'INVALID', message: /write fd00::\/8/ });
  });

  it('refuses more than it is worth', () => {
    assert.throws(() => parseCidrs(new Array<string>(257).fill('10.0.0.0/8')), { message: /at most 256/ });
  });
});
