import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../src/domain/webhook/cidr.ts';
import {
  type Called,
  parseDestinationRules,
  ruleHolds,
} from '../../../src/domain/webhook/destination-rule.ts';

function holds(rule: string, called: Called, ip = ''): boolean {
  const [parsed] = parseDestinationRules([rule], 'rules');
  assert.ok(parsed !== undefined);
  return ruleHolds(parsed, called, parseAddress(ip));
}

describe('a rule for destinations', () => {
  it('is about a name, and none that only looks like it', () => {
    for (const name of ['hooks.example.com', 'hooks.example.com.'])
      assert.equal(holds('Hooks.Example.com.', { name }), true, name);
    for (const name of [
      'example.com',
      'a.hooks.example.com',
      'my-hooks.example.com',
      'hooks.example.com.evil',
    ])
      assert.equal(holds('hooks.example.com', { name }), false, name);
    assert.equal(holds('hooks.example.com', {}, '93.184.216.34'), false);
  });

  it('with *. is about all names below, at any depth, and not about the name itself', () => {
    for (const name of ['a.example.com', 'a.b.example.com', 'a.example.com.'])
      assert.equal(holds('*.example.com', { name }), true, name);
    for (const name of ['example.com', 'my-example.com', 'example.com.evil'])
      assert.equal(holds('*.example.com', { name }), false, name);
  });

  it('is about a name in any alphabet, as URLs write it', () => {
    assert.equal(holds('bücher.example', { name: 'xn--bcher-kva.example' }), true);
  });

  it('is about addresses, whatever name led there', () => {
    assert.equal(holds('10.0.0.0/8', { name: 'a.example' }, '10.1.2.3'), true);
    assert.equal(holds('10.0.0.7', {}, '10.0.0.7'), true);
    assert.equal(holds('10.0.0.7', {}, '10.0.0.8'), false);
    assert.equal(holds('fd00::/8', {}, 'fd12::1'), true);
    assert.equal(holds('fd00::1', {}, 'fd00::1'), true);
    assert.equal(holds('::1', {}, '::1'), true);
    assert.equal(holds('10.0.0.0/8', { name: 'a.example' }), false, 'an address that is not known');
  });

  it('with a port is about that port only', () => {
    assert.equal(holds('a.example:8443', { name: 'a.example', port: 8443 }), true);
    assert.equal(holds('a.example:8443', { name: 'a.example', port: 443 }), false);
    assert.equal(holds('10.0.0.0/8:80', { port: 80 }, '10.0.0.1'), true);
    assert.equal(holds('10.0.0.0/8:80', { port: 81 }, '10.0.0.1'), false);
    assert.equal(holds('[fd00::/8]:443', { port: 443 }, 'fd00::1'), true);
    assert.equal(holds('[fd00::/8]:443', { port: 80 }, 'fd00::1'), false);
    assert.equal(holds('*:25', { name: 'a.example', port: 25 }), true);
    assert.equal(holds('*:25', { name: 'a.example', port: 443 }), false);
  });

  it('is refused, and named, when it is none', () => {
    for (const text of [
      '',
      '10.0.0',
      '1.2.3.4.5',
      'a..b',
      '[::1',
      '*.',
      'a b',
      'http://a.example',
      'a.example/path',
      'a.example?query',
      'a.example:0',
    ])
      assert.throws(() => parseDestinationRules(['10.0.0.1', text], 'rules'), {
        code: 'INVALID',
        message: new RegExp(JSON.stringify(text).replaceAll(/[[\]*.?/]/g, '\\$&')),
      });
    assert.throws(() => parseDestinationRules(new Array<string>(257).fill('a.example'), 'rules'), {
      message: /at most 256/,
    });
  });
});
