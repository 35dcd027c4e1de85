import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asleep,
  connectFailure,
  lookupFailure,
  SendFailure,
  sendFailure,
  tlsFailure,
} from '../../src/outbound/failure.ts';

const coded = (code: string, message = 'as Node says it') => Object.assign(new Error(message), { code });
const told = ({ errorClass, message }: SendFailure) => `${errorClass}: ${message}`;

/** What other tests meet over real sockets is not repeated here: these are hard to bring about. */
describe('a failure to connect', () => {
  for (const [code, expected] of [
    ['EHOSTUNREACH', 'CONNECT: no route to a.example:80'],
    ['ENETUNREACH', 'CONNECT: no route to a.example:80'],
    ['ETIMEDOUT', 'TIMEOUT: connecting took too long for the operating system: a.example:80'],
    [
      'EMFILE',
      'LOCAL: Carillon has too many open files (raise its limit) to connect to a.example:80 (EMFILE)',
    ],
    ['ENOBUFS', 'LOCAL: this machine has no memory for sockets left to connect to a.example:80 (ENOBUFS)'],
    ['EADDRNOTAVAIL', 'LOCAL: this machine has no port left to connect to a.example:80 (EADDRNOTAVAIL)'],
    ['EACCES', 'CONNECT: cannot connect to a.example:80 (EACCES)'],
  ] as const) {
    it(`is told for ${code}`, () => {
      assert.equal(told(connectFailure(coded(code), 'a.example:80')), expected);
    });
  }

  it('is not of our own where a machine without IPv6 has no address to connect from', () => {
    const error = Object.assign(coded('EADDRNOTAVAIL'), { address: '2001:db8::1' });
    assert.equal(
      told(connectFailure(error, 'a.example:80')),
      'CONNECT: this machine has no address from which to connect to a.example:80',
    );
  });

  it('is told apart for a resolver that fails and a name that has no address', () => {
    assert.equal(
      told(lookupFailure(coded('EAI_AGAIN'), 'a.example')),
      'DNS: the resolver failed on a.example (EAI_AGAIN)',
    );
    assert.equal(
      told(lookupFailure(coded('ENOTFOUND'), 'a.example')),
      'DNS: there is no address for a.example (ENOTFOUND)',
    );
  });

  for (const [code, said] of [
    [
      'TLSV1_ALERT_UNKNOWN_CA',
      'the destination does not know the authority that signed the client certificate',
    ],
    ['SSL/TLS_ALERT_BAD_CERTIFICATE', 'the destination refuses the client certificate'],
    ['SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'the destination says that the client certificate has expired'],
    [
      'SSL/TLS_ALERT_HANDSHAKE_FAILURE',
      'the destination ended the TLS handshake: it supports no version or cipher of ours, or requires a client certificate',
    ],
  ] as const) {
    it(`is told for what a destination says to a client certificate (${code})`, () => {
      const failure = sendFailure(coded(`ERR_SSL_${code}`), 'a.example:443');
      assert.equal(told(failure), `TLS: ${said}: a.example:443 (ERR_SSL_${code})`);
    });
  }

  it('is told for certificates in words', () => {
    assert.equal(
      told(tlsFailure(coded('CERT_HAS_EXPIRED'), 'a.example:443')),
      'TLS: the certificate has expired: a.example:443 (CERT_HAS_EXPIRED)',
    );
  });
});

describe('a failure while the machine slept', () => {
  it('is of our own where it can be because of that, and no other', () => {
    assert.equal(
      told(asleep(new SendFailure('RESET', 'lost'), 2_000)),
      'LOCAL: lost; meanwhile this machine slept for 2.0 s, or its clock was set',
    );
    const odd = new SendFailure('PROTOCOL', 'not HTTP');
    assert.equal(asleep(odd, 2_000), odd);
  });
});

describe('a failure on a connection', () => {
  it('is RESET when the network gave out', () => {
    assert.equal(
      told(sendFailure(coded('ETIMEDOUT'), 'a.example:80')),
      'RESET: connection to a.example:80 lost (ETIMEDOUT)',
    );
    assert.match(
      told(sendFailure(coded('EPIPE'), 'a.example:80')),
      /^RESET: connection reset by a\.example:80/,
    );
  });

  it('is TLS when the peer refuses us after the handshake, as TLS 1.3 does', () => {
    const code = 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED';
    assert.equal(
      told(sendFailure(coded(code), 'a.example:443')),
      `TLS: the destination requires a client certificate, and the webhook has none: a.example:443 (${code})`,
    );
  });

  it('is handed on as it is when it was one already, and told even when it is no error', () => {
    const failure = new SendFailure('DNS', 'x');
    assert.equal(sendFailure(failure, 'a.example:80'), failure);
    assert.equal(told(sendFailure('boom', 'a.example:80')), 'RESET: connection to a.example:80 lost (boom)');
  });
});
