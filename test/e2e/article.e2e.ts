import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { startCarillon } from '../support/server.ts';

const run = promisify(execFile);

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

interface InboxRequest {
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly preview: string;
  readonly signature: { readonly state: string };
}

describe('the article that this began from', () => {
  it('gets a POST every 5 s and a log line for each from its curl command', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const destination = `${carillon.url}/inbox/hello`;
    const { stdout } = await run('curl', [
      '--silent',
      '--show-error',
      ...['--request', 'POST'],
      ...['--url', `http://localhost:${carillon.port}/webhooks`],
      ...['--header', 'content-type: application/json'],
      ...['--data', JSON.stringify({ name: 'joe', destination })],
    ]);
    const { webhook } = JSON.parse(stdout) as { webhook?: { id: string } };
    assert.match(webhook?.id ?? '', /^wh_/, `curl printed ${stdout}`);

    const message = `Webhook to '${destination}' dispatched, response code: 200`;
    await carillon.logged(({ msg }) => msg === message, 2);

    const response = await fetch(`${destination}/requests`);
    const { requests } = (await response.json()) as { requests: InboxRequest[] };
    const [second, first] = requests;
    assert.ok(first && second);
    for (const { method, preview, signature } of [first, second]) {
      assert.equal(method, 'POST');
      const [, now = ''] = /^Hello joe, current time is (.*)$/.exec(preview) ?? [];
      assert.match(now, RFC3339, `the body is ${preview}`);
      assert.equal(signature.state, 'valid');
    }
    assert.equal(scheduledAt(second) - scheduledAt(first), 5_000);
  });
});

function scheduledAt({ headers }: InboxRequest): number {
  const [, value = ''] = headers.find(([name]) => name === 'carillon-scheduled-at') ?? [];
  return Date.parse(value);
}
