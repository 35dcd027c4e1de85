import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { readBody, readPieces } from '../../../src/rpc/transport/body.ts';
import type { NodeRequest } from '../../../src/rpc/transport/node.ts';

const MIB = 1024 * 1024;

/** A request whose body the test writes. */
function aRequest(): { request: NodeRequest; body: PassThrough } {
  const body = Object.assign(new PassThrough(), { headers: {} });
  return { request: body as unknown as NodeRequest, body };
}

async function codeOf(reading: Promise<unknown>): Promise<Code> {
  const [outcome] = await Promise.allSettled([reading]);
  assert.ok(outcome.status === 'rejected' && outcome.reason instanceof ConnectError);
  return outcome.reason.code;
}

function pass(t: TestContext, ms: number): void {
  t.mock.timers.tick(ms);
}

describe('the body of a request', () => {
  it('that is read in pieces is CANCELED when its caller goes away, and no error of ours', async () => {
    const { request, body } = aRequest();
    const pieces = readPieces(Object.assign(request, { httpVersionMajor: 2 }));
    body.write('half of it');
    assert.equal(String((await pieces.next()).value), 'half of it');
    const rest = codeOf(pieces.next());
    body.destroy();
    assert.equal(await rest, Code.Canceled);
  });

  it('must arrive within half a minute', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { request, body } = aRequest();
    const code = codeOf(readBody(request, MIB));
    body.write('half of it');
    pass(t, 29_999);
    assert.equal(body.destroyed, false);
    pass(t, 1);
    assert.equal(await code, Code.DeadlineExceeded);
  });

  it('is read on for five seconds when it is refused, so that its sender gets to read why', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { request, body } = aRequest();
    const code = codeOf(readBody(request, 4));
    body.write('too long');
    assert.equal(await code, Code.ResourceExhausted);
    pass(t, 4_999);
    assert.equal(body.destroyed, false);
    pass(t, 1);
    assert.equal(body.destroyed, true);
  });

  it('is read on for 32 MiB when it is refused, and no further', async () => {
    const { request, body } = aRequest();
    const code = codeOf(readBody(request, MIB));
    const block = new Uint8Array(MIB);
    for (let i = 0; i < 33; i++) body.write(block);
    assert.equal(await code, Code.ResourceExhausted);
    await new Promise(setImmediate);
    assert.equal(body.destroyed, false);
    body.write('x');
    await new Promise(setImmediate);
    assert.equal(body.destroyed, true);
  });
});
