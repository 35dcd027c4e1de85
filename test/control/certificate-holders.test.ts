import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createCertificateHolders } from '../../src/control/certificate-holders.ts';
import { parseClientRole } from '../../src/domain/access/client-role.ts';
import { manualClock } from '../support/clock.ts';
import { T0 } from '../support/store.ts';

const EXPIRED = {
  reason: 'CERTIFICATE_INVALID',
  message: /^the certificate of this connection expired at 2\d{3}-.*Z; connect with another, or send a key/,
};

it('a certificate that expires while its connection is open is not taken any more, for a call that was begun before either', () => {
  const clock = manualClock(T0);
  const holders = createCertificateHolders([parseClientRole('uri:a=read@acme')!], clock);
  const certificate = { names: ['uri:a'], expiresAt: T0 + 1000, fault: undefined };
  const holder = holders.authenticate(certificate);
  assert.deepEqual(holder, {
    kind: 'CERTIFICATE',
    certificate: 'uri:a',
    expiresAt: T0 + 1000,
    role: 'READ',
    namespace: 'acme',
  });
  clock.advance(999);
  holders.check(holder);
  assert.equal(holders.authenticate(certificate), holder);
  clock.advance(1);
  assert.throws(() => holders.check(holder), EXPIRED);
  assert.throws(() => holders.authenticate(certificate), EXPIRED);
});
