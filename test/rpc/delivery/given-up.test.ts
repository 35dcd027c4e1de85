import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { aDeliveryThat } from '../../support/deliveries.ts';
import { type RunningGrpc, startGrpc } from '../../support/grpc.ts';
import type { LogLine } from '../../support/log.ts';
import { type ApiOptions, type RunningApi, startApi } from '../../support/rpc.ts';
import { aWebhook, testId } from '../../support/store.ts';

interface Way {
  readonly transport: Transport;
  /** What the server that it leads to has logged. */
  readonly line: (matches: (line: LogLine) => boolean) => Promise<LogLine>;
  readonly lines: readonly LogLine[];
}

/** Both ports, and every protocol. */
async function waysOf(running: RunningApi, native: RunningGrpc): Promise<Record<string, Way>> {
  const { host, port } = native.address;
  const transport = createGrpcTransport({ baseUrl: `http://${host}:${port}`, idleConnectionTimeoutMs: 1 });
  const { line, lines } = running;
  const ways = Object.entries(running.transports).map(([name, each]): [string, Way] => [
    name,
    { transport: each, line, lines },
  ]);
  return { ...Object.fromEntries(ways), nativeGrpc: { transport, line: native.line, lines: native.lines } };
}

function isOf(method: string) {
  return ({ fields }: LogLine) => String(fields.rpc).endsWith(method);
}

describe('a caller that gives a call up', () => {
  it('ends the search of ListDeliveries within a part, on both ports, whatever it looks for', async () => {
    let scans = 0;
    const scanDeliveries = async () => {
      scans++;
      await sleep(1);
      return { rows: [], next: testId('delivery'), looked: 1 };
    };
    const options: ApiOptions = {
      deps: (parts) => ({ ...parts, store: { ...parts.store, scanDeliveries } }),
    };
    await using running = await startApi(options);
    await using native = await startGrpc(running.api.services);
    for (const [name, { transport, lines }] of Object.entries(await waysOf(running, native))) {
      const stop = new AbortController();
      const ended = () => lines.filter(isOf('ListDeliveries')).length;
      const before = ended();
      scans = 0;
      const listed = createClient(DeliveryService, transport).listDeliveries(
        { filter: 'state = FAILED' },
        { signal: stop.signal },
      );
      while (scans < 5) await sleep(1);
      stop.abort();
      await assert.rejects(listed, name);
      while (ended() === before) await sleep(1);
      const after = scans;
      await sleep(50);
      assert.ok(scans <= after + 1, `${name}: ${scans - after} more parts were read`);
      assert.ok(scans < 1_000, name);
    }
  });

  it('is not taken for an error of ours in the middle of a busy WatchDeliveries, on both ports', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 } } });
    await using native = await startGrpc(running.api.services);
    const webhook = aWebhook();
    await running.store.createWebhooks([webhook]);
    for (const [name, { transport, line, lines }] of Object.entries(await waysOf(running, native))) {
      const stop = new AbortController();
      let isBusy = true;
      const busy = (async () => {
        while (isBusy) await aDeliveryThat(running.store, webhook.id, { status: 200 });
      })();
      const told = lines.length;
      const stream = createClient(DeliveryService, transport).watchDeliveries({}, { signal: stop.signal });
      let seen = 0;
      await assert.rejects(async () => {
        for await (const _ of stream) if (++seen === 5) stop.abort();
      }, name);
      const { level, fields } = await line(
        (each) => isOf('WatchDeliveries')(each) && lines.indexOf(each) >= told,
      );
      isBusy = false;
      await busy;
      assert.equal(fields.code, 'canceled', name);
      assert.notEqual(level, 'error', name);
      const errors = lines.slice(told).filter((each) => each.level === 'error' || 'err' in each.fields);
      assert.deepEqual(errors, [], name);
    }
  });
});
