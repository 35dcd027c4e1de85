import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../../support/cli.ts';
import { sharedApi } from '../../../support/rpc.ts';

describe('carillon audit', () => {
  const api = sharedApi({ locked: true });

  it('shows who changed what, newest first, and what was refused, for people and as JSON', async () => {
    const admin = await api().makeKey({ role: 'ADMIN' });
    const reader = await api().makeKey({ role: 'READ' });
    const env = { CARILLON_API_KEY: admin.key };
    const carillon = (...argv: string[]) => runCli(api().url, argv, { env });
    const destination = 'http://127.0.0.1:9999/hook';
    const made = await carillon(
      'webhooks',
      'register',
      '--name',
      'shop',
      '--destination',
      destination,
      '--id',
      'shop',
    );
    assert.equal(made.code, 0, made.err);
    api().clock.advance(1_000);
    await carillon('webhooks', 'pause', 'shop');
    api().clock.advance(1_000);
    await runCli(api().url, ['webhooks', 'resume', 'shop'], { env: { CARILLON_API_KEY: reader.key } });
    await api().line(({ fields }) => fields.outcome === 'REFUSED');

    const { code, out, err } = await carillon('audit', '--all-namespaces');
    assert.deepEqual([code, err], [0, '']);
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0]!, /^TIME +NAMESPACE +CALLER +FROM +METHOD +CHANGES$/);
    const [id, other] = [admin.apiKey.id, reader.apiKey.id];
    const at = (seconds: number) => `2026-01-01T00:00:0${seconds}\\.000Z`;
    for (const [line, shown] of [
      [1, `^${at(2)} +${other} +127\\.0\\.0\\.1 +WebhookService/Resume +refused: ROLE_TOO_SMALL$`],
      [2, `^${at(1)} +default +${id} +127\\.0\\.0\\.1 +WebhookService/Pause +updated Webhook shop: state$`],
      [3, `^${at(0)} +default +${id} +127\\.0\\.0\\.1 +WebhookService/Register +created Webhook shop$`],
    ] as const) {
      assert.match(lines[line]!, new RegExp(shown));
    }
    assert.equal(lines.length, 4);

    const some = await carillon(
      'audit',
      '--resource',
      'shop',
      '--since',
      '2026-01-01T00:00:01Z',
      '--caller',
      id,
      '--json',
    );
    const { auditEntries } = JSON.parse(some.out);
    assert.deepEqual(
      auditEntries.map((entry: { method: string; outcome: string }) => [entry.method, entry.outcome]),
      [['carillon.v1.WebhookService/Pause', 'OUTCOME_DONE']],
    );
    assert.match((await carillon('audit', '--refused')).out, /^no audit entries$/m);
    const wrong = await carillon('audit', '--filter', 'colour = red');
    assert.match(wrong.err, /^ *filter: at character 1/m);
    assert.equal(wrong.code, 2);
  });
});
