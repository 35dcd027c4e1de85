import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { sharedApi } from '../../support/rpc.ts';

describe('A request that says itself that it is too large', () => {
  const api = sharedApi();

  it('is refused before any of it is sent', async () => {
    const { hostname, port } = new URL(api().url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /carillon.v1.WebhookService/List HTTP/1.1\r\nHost: ${hostname}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n',
    );
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('it was not answered')), 5_000).unref();
    });
    const [answer] = (await Promise.race([once(socket, 'data'), late])) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.1 429 [\s\S]*resource_exhausted/);
  });
});
