import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { OUTPUT_ONLY } from '../../../../src/cli/client/webhook/output-only.ts';
import type { World } from '../../../../src/cli/world.ts';
import { runCli } from '../../../support/cli.ts';
import { folderOf } from '../../../support/folder.ts';
import { sharedApi } from '../../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

/** A webhook with every field that a caller can set, and texts that a file has to write with care. */
const FULL = {
  id: 'full',
  name: 'full: "of" #everything',
  destination: `${DESTINATION}?a=1&b=%20`,
  schedule: {
    cron: '30 2 * * *',
    timeZone: 'Europe/Vienna',
    startTime: '2030-02-01T00:00:00Z',
    endTime: '2031-01-01T00:00:00.500Z',
    maxRuns: 7,
    jitter: '10s',
    misfirePolicy: 'SKIP',
    catchupWindow: '2h',
    overlapPolicy: 'ALLOW',
    dstGap: 'SKIP',
    dstOverlap: 'BOTH',
  },
  eventTypes: ['order.*', '*'],
  filter: 'event.data.amount > 100',
  payload: {
    template: `Hello {{ webhook.name }}\n\n  $\${HOME} and $$\${x}\ttab: "quoted" – ünï\n`,
    contentType: 'text/x-hello',
    eventFormat: 'CLOUDEVENTS_BINARY',
    headerTemplates: { 'x-two': '{{ event.id }}', 'X-One': 'yes' },
  },
  headers: { 'x-number': '1.0', 'X-Truth': 'yes' },
  timeout: '2.5s',
  retryPolicy: { maxAttempts: 3, delays: ['1s', '1m'], jitter: 0, clientErrors: 'FAIL' },
  limits: { concurrency: 2, rateLimit: { perSecond: 0.5, burst: 3 }, ordered: true },
  labels: { team: 'red', null: 'null', date: '2026-01-01', octal: '010' },
  asymmetricSignature: true,
  compatibilitySignature: {
    secret: 'as before',
    keyForm: 'TEXT',
    algorithm: 'HMAC_SHA1',
    encoding: 'BASE64',
    content: 'TIMESTAMP_BODY',
    header: 'X-Signature',
    value: '{timestamp} {signature}',
  },
};
const FILES = {
  'in/full.json': JSON.stringify(FULL),
  'in/bytes.yaml': `id: bytes\nname: bytes\ndestination: ${DESTINATION}\nschedule: { every: 1h }\npayload: { data: "AAEC/w==" }\nlimits: {}\n`,
  'in/once.yaml': `id: once\nname: once\ndestination: ${DESTINATION}\nschedule: { at: "2033-01-01T00:00:00Z" }\npayload: { text: "" }\n`,
  'in/bare.yaml': `id: bare\nname: bare\ndestination: ${DESTINATION}\n`,
};

describe('carillon webhooks export', () => {
  const from = sharedApi();
  const to = sharedApi();
  const cli = (url: string, folder: Partial<World>, ...argv: string[]) => runCli(url, argv, folder);

  it('knows which fields are not for a caller to set', () => {
    const asked = WebhookSchema.fields.filter(({ name }) => !OUTPUT_ONLY.has(name)).map(({ name }) => name);
    assert.deepEqual(asked.slice(0, 6), [
      'id',
      'namespace',
      'name',
      'destination',
      'schedule',
      'event_types',
    ]);
    for (const name of ['uid', 'etag', 'effective', 'state', 'run_count'])
      assert.ok(OUTPUT_ONLY.has(name), name);
  });

  it('warns of headers that may hold secrets, which it writes as they are', async () => {
    const folder = folderOf({
      'in.yaml':
        'id: secretive\nname: s\ndestination: http://127.0.0.1:9999/s\nheaders: {Authorization: Bearer x, x-plain: y}\n',
    });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out, err } = await cli(from().url, folder, 'webhooks', 'export', '--name', 's');
    assert.match(out, /Authorization: Bearer x/);
    assert.match(
      err,
      /^carillon: headers that may hold secrets are written as they are \(authorization\): put/,
    );
    await from().webhooks.remove({ id: 'secretive' });
    assert.equal((await cli(from().url, folder, 'webhooks', 'export')).err, '');
  });

  it('writes a variable for the secret of a compatibility signature, which another server needs', async () => {
    const signature = 'compatibilitySignature: { header: X-Sig, secret: canary }\n';
    const file = `id: moved\nname: moved\ndestination: ${DESTINATION}\n${signature}`;
    const folder = folderOf({ 'in.yaml': file });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'moved');
    assert.match(out, /^ {2}secret: \$\{MOVED_COMPATIBILITY_SECRET:-\}$/m);
    folder.files.set('out.yaml', out);
    const without = await cli(to().url, folder, 'apply', '-f', 'out.yaml', '--yes');
    assert.match(without.err, /compatibility_signature\.secret: is required/);
    await from().webhooks.remove({ id: 'moved' });
  });

  for (const [format, output] of [
    ['yaml', 'out'],
    ['json', 'out/'],
    ['yaml', 'out/all.yaml'],
    ['json', 'out/all.json'],
  ] as const) {
    it(`writes ${format} to ${output} that changes nothing here, and makes the same on another server`, async () => {
      const folder = folderOf(FILES);
      assert.equal((await cli(from().url, folder, 'apply', '-f', 'in', '--yes')).code, 0);
      const exported = await cli(from().url, folder, 'webhooks', 'export', '-o', output, '--format', format);
      assert.deepEqual([exported.code, exported.out], [0, '']);
      assert.equal(exported.err, `carillon: wrote 4 webhooks to ${output}\n`);
      const written = [...folder.files.keys()].filter((path) => path.startsWith('out')).toSorted();
      const expected = ['bare', 'bytes', 'full', 'once'].map((id) => `out/${id}.${format}`);
      assert.deepEqual(written, output.includes('all') ? [output] : expected);

      const here = await cli(from().url, folder, 'apply', '-f', 'out', '--yes');
      assert.deepEqual(here, { code: 0, out: '', err: '' });
      const env = { FULL_COMPATIBILITY_SECRET: 'as before' };
      assert.equal((await cli(to().url, { ...folder, env }, 'apply', '-f', 'out', '--yes')).code, 0);
      const asked = async (api: ReturnType<typeof from>) => {
        const { webhooks } = await api.webhooks.list({});
        return webhooks
          .map((webhook) => {
            const output = [
              'uid',
              'etag',
              'createTime',
              'updateTime',
              'nextRunTime',
              'effective',
              'signingSecrets',
            ];
            return create(WebhookSchema, {
              ...webhook,
              ...Object.fromEntries(output.map((name) => [name, undefined])),
            });
          })
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      };
      assert.deepEqual(await asked(to()), await asked(from()));
      assert.equal((await to().webhooks.list({})).webhooks.length, 4);
    });
  }

  it('writes every field there is', async () => {
    const { webhook } = await from().webhooks.get({ id: 'full' });
    const callers = WebhookSchema.fields.filter(({ name }) => !OUTPUT_ONLY.has(name) && name !== 'signing');
    const folder = folderOf({});
    await cli(
      from().url,
      folder,
      'webhooks',
      'export',
      '--name',
      FULL.name,
      '-o',
      'out/',
      '--format',
      'json',
    );
    const written = JSON.parse(folder.files.get('out/full.json') ?? '');
    const unset = callers.filter(
      ({ jsonName }) => jsonName !== 'namespace' && written[jsonName] === undefined,
    );
    assert.deepEqual(
      unset.map(({ name }) => name),
      [],
    );
    assert.deepEqual(Object.keys(written.schedule).length, webhook!.schedule ? 11 : 0);
  });

  it('prints documents in one order, with a place for the secret and none in it', async () => {
    const folder = folderOf({});
    const first = await cli(from().url, folder, 'webhooks', 'export');
    assert.deepEqual([first.code, first.err], [0, '']);
    assert.deepEqual(await cli(from().url, folder, 'webhooks', 'export'), first);
    assert.deepEqual(
      [...first.out.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
      ['bare', 'bytes', 'full', 'once'],
    );
    assert.match(
      first.out,
      /^id: bare\nname: bare\ndestination: \S+\n# signing:\n# {3}secret: \$\{BARE_SECRET\}\n---\n/,
    );
    assert.doesNotMatch(first.out, /whsec_|uid|etag|state|namespace|effective|Time: "?2026/);
    const mended = first.out.replaceAll(/^# (signing:| {2}secret:.*)$/gm, '$1');
    const env = Object.fromEntries(
      [...mended.matchAll(/\$\{(\w+_SECRET)\}/g)].map(([, name]) => [
        name,
        `whsec_${Buffer.alloc(32).toString('base64')}`,
      ]),
    );
    const applied = await runCli(from().url, ['apply', '-f', '-', '--dry-run'], {
      ...folderOf({ '-': mended }),
      env,
    });
    assert.equal(applied.err, '');
    assert.match(applied.out, /4 to change, 0 unchanged\n$/);
  });

  it('leaves out the label of a set, and says what a file cannot', async () => {
    const folder = folderOf({
      'x.yaml': `id: of-set\nname: of-set\ndestination: ${DESTINATION}\nlabels: { team: blue }\n`,
    });
    await cli(from().url, folder, 'apply', '-f', 'x.yaml', '--owner', 'shop', '--yes');
    await from().webhooks.pause({ id: 'of-set' });
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--label', 'team=blue');
    assert.match(
      out,
      /^# It is PAUSED; apply does not change that\.\n\nid: of-set\n[\s\S]*labels:\n {2}team: blue\n/,
    );
    assert.doesNotMatch(out, /applied-by/);
    folder.files.set('y.yaml', out);
    assert.deepEqual(await cli(from().url, folder, 'apply', '-f', 'y.yaml', '--owner', 'shop', '--yes'), {
      code: 0,
      out: '',
      err: '',
    });
  });

  it('takes a webhook without an id of its own elsewhere, where it is known by name and destination', async () => {
    const { webhook } = await from().webhooks.register({
      webhook: { name: 'no-id', destination: DESTINATION },
    });
    const folder = folderOf({});
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'no-id');
    assert.match(out, new RegExp(`^# The id is the server's own: .*\\n\\nid: ${webhook!.id}\\n`));
    folder.files.set('x.yaml', out);
    const apply = (url: string, ...argv: string[]) =>
      cli(url, folder, 'apply', '-f', 'x.yaml', '--yes', ...argv);
    assert.deepEqual(await apply(from().url), { code: 0, out: '', err: '' });
    const there = await apply(to().url, '--owner', 'moved');
    assert.match(there.out, /^created wh_\S{26}\n$/m);
    assert.doesNotMatch(there.out, new RegExp(`created ${webhook!.id}`));
    assert.deepEqual(await apply(to().url, '--owner', 'moved', '--prune'), { code: 0, out: '', err: '' });
    folder.files.set('x.yaml', `${out}timeout: 20s\n`);
    assert.match((await apply(to().url)).out, /^ {4}timeout: \(none\) → 20s\n1 to change, 0 unchanged\n/m);
  });
});
