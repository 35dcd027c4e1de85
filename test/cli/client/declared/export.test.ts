import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { OUTPUT_ONLY } from '../../../../src/cli/client/webhook/output-only.ts';
import type { World } from '../../../../src/cli/world.ts';
import { createAuthority } from '../../../support/authority.ts';
import { runCli } from '../../../support/cli.ts';
import { folderOf } from '../../../support/folder.ts';
import { sharedApi } from '../../../support/rpc.ts';
import { T0 } from '../../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

/** A webhook with every field that a caller can set, and texts that a file has to write with care. */
const FULL = {
  id: 'full',
  name: 'full: "of" #everything',
  destination: `${DESTINATION.replace('http:', 'https:')}?a=1&b=%20`,
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
  tls: { caBundle: createAuthority('$HOME').pem },
  consent: { origin: 'hooks.example.com', requestRate: 120 },
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

  it('writes the names of secret headers, with a place for their values in comments', async () => {
    const folder = folderOf({
      'in.yaml': `id: 7-secret\nname: s\ndestination: ${DESTINATION}\nheaders: {Authorization: Bearer x-of-32-characters, x-plain: y}\nsecretHeaders: {x-key: {value: Zebra-and-more-of-it}}\n`,
    });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out, err } = await cli(from().url, folder, 'webhooks', 'export', '--name', 's');
    assert.equal(err, '');
    assert.match(
      out,
      /^headers:\n {2}x-plain: y\nsecretHeaders:\n {2}authorization: \{\}\n {2}x-key: \{\}$/m,
    );
    assert.match(
      out,
      /^# secretHeaders:\n# {3}authorization:\n# {5}value: \$\{_7_SECRET_AUTHORIZATION\}\n# {3}x-key:\n# {5}value: \$\{_7_SECRET_X_KEY\}$/m,
    );
    assert.doesNotMatch(out, /Bearer|Zebra|hint|digest/);

    folder.files.set('out.yaml', out);
    assert.deepEqual(await cli(from().url, folder, 'apply', '-f', 'out.yaml', '--yes'), {
      code: 0,
      out: '',
      err: '',
    });
    const elsewhere = await cli(to().url, folder, 'apply', '-f', 'out.yaml', '--yes');
    assert.equal(elsewhere.code, 2);
    assert.match(
      elsewhere.err,
      /^out\.yaml:7: secret_headers\.authorization\.value: is not given, and the webhook/m,
    );
    await from().webhooks.remove({ id: '7-secret' });
  });

  it('writes how a webhook is let in without its secret, which this server keeps', async () => {
    const folder = folderOf({
      'in.yaml': `id: let-in\nname: l\ndestination: ${DESTINATION}\nauth: { basic: { username: ann, password: { value: Zebra-and-more-of-it } } }\n---\nid: token\nname: l\ndestination: ${DESTINATION}?t\nauth: { bearer: { token: { value: Zebra-and-more-of-it } } }\n`,
    });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'l');
    assert.match(out, /^auth:\n {2}basic:\n {4}username: ann\n {4}password: \{\}$/m);
    assert.match(
      out,
      /^# {3}basic:\n# {5}username: ann\n# {5}password:\n# {7}value: \$\{LET_IN_PASSWORD\}$/m,
    );
    assert.match(out, /^auth:\n {2}bearer:\n {4}token: \{\}$/m);
    assert.doesNotMatch(out, /Zebra|hint|digest/);
    folder.files.set('out.yaml', out);
    assert.deepEqual(await cli(from().url, folder, 'apply', '-f', 'out.yaml', '--yes'), {
      code: 0,
      out: '',
      err: '',
    });
    for (const id of ['let-in', 'token']) await from().webhooks.remove({ id });
  });

  it('writes what tokens are got with, and a variable for the secret, which another server takes', async () => {
    const oauth2 = {
      tokenUrl: 'https://auth.example.com/token',
      clientId: 'a$${n}',
      clientSecret: { value: 'Zebra-and-more-of-it' },
      scopes: ['a', 'b'],
      parameters: { resource: 'r', audience: '$${a}' },
      clientAuthentication: 'POST',
      tokenLifetime: '5m',
    };
    const file = { id: 'tokens', name: 't', destination: DESTINATION, auth: { oauth2 } };
    const folder = folderOf({ 'in.json': JSON.stringify(file) });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.json', '--yes')).code, 0);
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 't');
    assert.match(out, /^ {4}clientSecret: \{\}$/m);
    assert.match(out, /^ {4}parameters:\n {6}audience: \$\$\{a\}\n {6}resource: r$/m);
    assert.match(out, /^# {5}clientSecret:\n# {7}value: \$\{TOKENS_CLIENT_SECRET\}$/m);
    assert.doesNotMatch(out, /Zebra|hint|digest/);
    folder.files.set('out.yaml', out);
    assert.deepEqual(await cli(from().url, folder, 'apply', '-f', 'out.yaml', '--yes'), {
      code: 0,
      out: '',
      err: '',
    });
    folder.files.set('out.yaml', out.replaceAll(/^auth:\n(?: .*\n)+/gm, '').replaceAll(/^# /gm, ''));
    const env = { TOKENS_SECRET: `whsec_${'a'.repeat(40)}`, TOKENS_CLIENT_SECRET: 'Zebra-and-more-of-it' };
    const elsewhere = await runCli(to().url, ['apply', '-f', 'out.yaml', '--yes'], { ...folder, env });
    assert.deepEqual([elsewhere.code, elsewhere.err], [0, '']);
    const [there, here] = await Promise.all(
      [to(), from()].map(
        async ({ webhooks }) => (await webhooks.get({ id: 'tokens' })).webhook?.auth?.method,
      ),
    );
    assert.ok(there?.case === 'oauth2' && here?.case === 'oauth2');
    const { clientSecret: _, ...given } = there.value;
    const { clientSecret: __, ...before } = here.value;
    assert.deepEqual(given, before);
    assert.equal(given.parameters.audience, `$\{a}`);
    for (const each of [from(), to()]) await each.webhooks.remove({ id: 'tokens' });
  });

  it('writes how TLS is spoken, and the private key as a variable that need not be set here', async () => {
    const notAfter = new Date(Math.max(T0, Date.now()) + 86_400_000);
    const { cert, key } = createAuthority().client('carillon', { notAfter });
    const webhook = { id: 'mutual', name: 'm', destination: DESTINATION.replace('http:', 'https:') };
    const tls = { clientCertificate: cert, privateKey: { value: key }, insecureSkipVerify: true };
    await from().webhooks.register({ webhook: { ...webhook, tls } });
    const folder = folderOf({});
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'm');
    assert.match(out, /^tls:\n {2}clientCertificate: \|\n {4}-----BEGIN CERTIFICATE-----\n/m);
    assert.match(
      out,
      /^ {2}insecureSkipVerify: true\n {2}privateKey:\n {4}value: \$\{MUTUAL_PRIVATE_KEY:-\}$/m,
    );
    assert.doesNotMatch(out, /PRIVATE KEY|hint|digest|identity/);
    folder.files.set('out.yaml', out);
    const here = await cli(from().url, folder, 'apply', '-f', 'out.yaml', '--yes');
    assert.deepEqual(here, { code: 0, out: '', err: '' });
    const without = await cli(to().url, folder, 'apply', '-f', 'out.yaml', '--yes');
    assert.match(without.err, /^out\.yaml:\d+: tls\.private_key\.value: is not given/m);
    const env = { MUTUAL_PRIVATE_KEY: key };
    const there = await runCli(to().url, ['apply', '-f', 'out.yaml', '--yes'], { ...folder, env });
    assert.equal(there.code, 0);
    assert.doesNotMatch(there.out, /PRIVATE KEY/);
    const made = await to().webhooks.get({ id: 'mutual' });
    assert.equal(made.webhook?.tls?.identity?.subject, 'CN=carillon');
    for (const server of [from(), to()]) await server.webhooks.remove({ id: 'mutual' });
  });

  it('writes comments that another server takes in place of what they are about', async () => {
    const folder = folderOf({
      'in.yaml': `id: moved\nname: m\ndestination: ${DESTINATION}\nsecretHeaders: { "*'x": { value: Zebra } }\nauth: { basic: { username: "a$\${n} #", password: { value: Zebra } } }\n---\nid: mover\nname: m\ndestination: ${DESTINATION}?t\nauth: { bearer: { token: { value: Zebra } } }\n`,
    });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'm');
    const uncommented = out.replaceAll(/^(?:auth|secretHeaders):\n(?: .*\n)+/gm, '').replaceAll(/^# /gm, '');
    folder.files.set('out.yaml', uncommented);
    const env = {
      ...{ MOVED_SECRET: `whsec_${'a'.repeat(40)}`, MOVER_SECRET: `whsec_${'b'.repeat(40)}` },
      ...{ MOVED___X: 'Zebra', MOVED_PASSWORD: 'Zebra', MOVER_TOKEN: 'Zebra' },
    };
    const elsewhere = await runCli(to().url, ['apply', '-f', 'out.yaml', '--yes'], { ...folder, env });
    assert.deepEqual([elsewhere.code, elsewhere.err], [0, '']);
    const made = await to().webhooks.get({ id: 'moved' });
    assert.equal(
      made.webhook?.auth?.method.case === 'basic' && made.webhook.auth.method.value.username,
      `a\${n} #`,
    );
    assert.deepEqual(Object.keys(made.webhook?.secretHeaders ?? {}), ["*'x"]);
    for (const id of ['moved', 'mover']) {
      await from().webhooks.remove({ id });
      await to().webhooks.remove({ id });
    }
  });

  it('names another variable for each secret of a webhook, whatever its headers are called', async () => {
    const headers = ['secret', 'token', 'compatibility-secret', 'x-key', 'x_key'];
    const file = {
      ...{ id: 'many', name: 'many', destination: DESTINATION },
      auth: { bearer: { token: { value: 'Zebra' } } },
      compatibilitySignature: { header: 'x-sig', secret: 'Zebra' },
      secretHeaders: Object.fromEntries(headers.map((name) => [name, { value: 'Zebra' }])),
    };
    const folder = folderOf({ 'in.json': JSON.stringify(file) });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.json', '--yes')).code, 0);
    const { out } = await cli(from().url, folder, 'webhooks', 'export', '--name', 'many');
    const variables = [...out.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    assert.deepEqual(variables.toSorted(), [
      'MANY_COMPATIBILITY_SECRET',
      'MANY_COMPATIBILITY_SECRET_2',
      'MANY_SECRET',
      'MANY_SECRET_2',
      'MANY_TOKEN',
      'MANY_TOKEN_2',
      'MANY_X_KEY',
      'MANY_X_KEY_2',
    ]);
    assert.match(out, /^# signing:\n# {3}secret: \$\{MANY_SECRET\}$/m);
    assert.match(out, /^# {5}token:\n# {7}value: \$\{MANY_TOKEN\}$/m);
    await from().webhooks.remove({ id: 'many' });
  });

  it('warns of templates of headers that may be secret, which it writes as they are', async () => {
    const folder = folderOf({
      'in.yaml': `id: secretive\nname: s\ndestination: ${DESTINATION}\npayload: {headerTemplates: {Authorization: "Bearer {{ webhook.name }}"}}\n`,
    });
    assert.equal((await cli(from().url, folder, 'apply', '-f', 'in.yaml', '--yes')).code, 0);
    const { out, err } = await cli(from().url, folder, 'webhooks', 'export', '--name', 's');
    assert.match(out, /Authorization: Bearer \{\{/);
    assert.match(
      err,
      /^carillon: templates of headers that may be secret are written as they are \(authorization\)/,
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
    // No server has the values of these.
    const secret = ['signing', 'secret_headers', 'auth'];
    const callers = WebhookSchema.fields.filter(
      ({ name }) => !OUTPUT_ONLY.has(name) && !secret.includes(name),
    );
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
