import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { recordingLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON as it came.
type Json = any;

const DAYS_400_MS = 400 * 86_400_000;

describe('a server whose clock was ahead for a moment', () => {
  it('rings again at once when the clock is right', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const argv = ['--db', ':memory:', '--listen', '127.0.0.1:0', '--grpc-listen', 'off'];
    const where = { env: {}, cwd: '/', terminal: false, readFile: async () => undefined };
    const config = await loadConfig('dev', { argv, ...where });
    const { log, lines } = recordingLog();
    const server = await startServer(config, { log, clock });
    try {
      const url = `http://127.0.0.1:${server.address.port}`;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({
        name: 'ticks',
        destination: `${url}/inbox/ticks`,
        schedule: { every: '1s', overlapPolicy: 'ALLOW' },
      });
      const answer = await fetch(`${url}/webhooks`, { method: 'POST', headers, body });
      const { webhook }: Json = await answer.json();
      const runs = async () => {
        const found: Json = await (await fetch(`${url}/v1/webhooks/${webhook.id}`)).json();
        return Number(found.webhook.runCount ?? 0);
      };
      await until(async () => ((await runs()) >= 1 ? true : undefined));
      aheadMs = DAYS_400_MS;
      const before = await runs();
      await until(async () => ((await runs()) > before ? true : undefined));
      aheadMs = 0;
      const ahead = await runs();
      await until(async () => ((await runs()) >= ahead + 2 ? true : undefined));
      assert.ok(lines.some(({ level, message }) => level === 'warn' && /clock is behind/.test(message)));
    } finally {
      await server.stop();
    }
  });
});
