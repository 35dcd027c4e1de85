import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createServiceImplSpec, type ServiceImpl } from '@connectrpc/connect';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../../gen/grpc/health/v1/health_pb.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { lazyRules } from '../../../src/rpc/proto-rules.ts';
import { createRest } from '../../../src/rpc/rest/rest.ts';
import { createGuard } from '../../../src/rpc/transport/guard.ts';
import type { CallableResponse } from '../../../src/rpc/transport/node.ts';
import { createReception } from '../../../src/rpc/transport/reception.ts';
import { OPEN_DOOR } from '../../support/door.ts';
import { watchedLog } from '../../support/log.ts';

/** Health.Watch over REST, with an implementation and limits of the test's own. */
async function serve(
  t: TestContext,
  watch: ServiceImpl<typeof Health>['watch'],
  limits: { readonly stallMs: number; readonly quietMs: number },
) {
  const { log, line } = watchedLog();
  const clock = systemClock;
  const guard = createGuard({
    rules: lazyRules(),
    selfChecking: new Set(),
    checkNamespace: () => {},
    accessTo: () => 'READ',
    door: OPEN_DOOR,
    policy: { allowedHosts: [], corsOrigins: [] },
    report: () => 'reported',
  });
  const rest = createRest({
    begin: createReception({ clock, log, guard }),
    guard,
    clock,
    mounted: [createServiceImplSpec<typeof Health>(Health, { watch })],
    messageBytesMax: 1000,
    ...limits,
  });
  const server = createServer((request, response) => {
    rest.handle('/v1/health:watch', request, response as CallableResponse);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, line };
}

const NEVER = new Promise<never>(() => {});

describe('A stream of REST', () => {
  it('says that it lives when there is nothing to say', async (t) => {
    const watch = async function* () {
      yield { status: Status.SERVING };
      await NEVER;
    };
    const { port } = await serve(t, watch, { stallMs: 60_000, quietMs: 5 });
    const stop = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: stop.signal });
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes(': heartbeat\n\n: heartbeat\n\n')) break;
    }
    stop.abort();
    assert.match(text, /^data: \{"status":"SERVING"\}\n\n/);
  });

  it('cuts off a caller who takes nothing, and reads no further meanwhile', async (t) => {
    let yielded = 0;
    const watch = async function* () {
      for (;;) {
        yielded++;
        yield { status: Status.SERVING };
      }
    };
    const { port, line } = await serve(t, watch, { stallMs: 30, quietMs: 60_000 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const { fields } = await line(({ fields: { cutOff } }) => cutOff !== undefined);
    assert.match(String(fields.cutOff), /took no message for 30 ms/);
    const then = yielded;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(yielded, then);
  });
});
