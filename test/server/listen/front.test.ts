import assert from 'node:assert/strict';
import { connect, constants } from 'node:http2';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createOutbox } from '../../../src/rpc/transport/outbox.ts';
import { createFront } from '../../../src/server/listen/front.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { manualClock } from '../../support/clock.ts';

const MIB = 1024 * 1024;

describe('Pages that nobody reads', () => {
  it('take what a connection may have and no more, and are cut off in time', async (t) => {
    const clock = manualClock(0);
    const outbox = createOutbox(clock, { connectionBytesMax: 4 * MIB, checkMs: 5 });
    const page = Buffer.alloc(MIB, 'x');
    const inbox = {
      handle(_request: unknown, response: { end(body: Uint8Array): unknown }) {
        response.end(page);
        return true;
      },
    };
    const api = { handle: () => false, endpoints: [] };
    const handler = createFront({
      api,
      inbox,
      jwks: () => false,
      probes: () => false,
      corsOrigins: [],
      outbox,
    });
    const listener = await createListener({ handler, host: '127.0.0.1', port: 0 });
    t.after(() => listener.close(0));
    const url = `http://127.0.0.1:${listener.address.port}`;
    const session = connect(url, { settings: { initialWindowSize: 0 } });
    session.on('error', () => {});
    t.after(() => session.destroy());
    let cutOff = 0;
    for (let i = 0; i < 70; i++) {
      const stream = session.request({ ':path': '/inbox/a/requests' });
      stream.on('error', () => {});
      stream.on('close', () => {
        if (stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) cutOff++;
      });
    }
    await setTimeout(100);
    assert.ok(outbox.bytes > 3 * MIB && outbox.bytes <= 5 * MIB, `${outbox.bytes} bytes were held`);
    assert.equal((await (await fetch(`${url}/inbox/a/requests`)).arrayBuffer()).byteLength, MIB);
    for (let i = 0; i < 500 && cutOff < 70; i++) {
      clock.advance(5_000);
      await setTimeout(5);
    }
    assert.deepEqual([cutOff, outbox.bytes], [70, 0]);
  });
});
