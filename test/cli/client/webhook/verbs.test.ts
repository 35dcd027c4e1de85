import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { World } from '../../../../src/cli/world.ts';
import { createAuthority } from '../../../support/authority.ts';
import { type Ran, runCli } from '../../../support/cli.ts';
import { aDeliveryThat } from '../../../support/deliveries.ts';
import { sharedApi, startApi } from '../../../support/rpc.ts';
import { aWebhook, T0 } from '../../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const SECURE = DESTINATION.replace('http:', 'https:');
const authority = createAuthority();
const client = authority.client('carillon', { notAfter: new Date(Math.max(T0, Date.now()) + 86_400_000) });
const ID = /\bwh_[0-9A-Z]{26}\b/;

describe('carillon webhooks', () => {
  const api = sharedApi();
  const webhooks = (...argv: string[]) => runCli(api().url, ['webhooks', ...argv]);
  const json = async (...argv: string[]) => {
    const { code, out, err } = await webhooks(...argv, '--json');
    assert.deepEqual([code, err], [0, '']);
    return JSON.parse(out);
  };
  /** A result that is an error, on stderr alone. */
  const refused = ({ code, out, err }: Ran, expected: number) => {
    assert.deepEqual([code, out], [expected, '']);
    return err;
  };

  for (const [first, second] of [
    ['--every=5s', '--cron=* * * * *'],
    ['--cron=* * * * *', '--at=30m'],
    ['--template=x', '--text=y'],
    ['--password=x', '--bearer-token=y'],
    ['--bearer-token=x', '--oauth-scope=y'],
  ] as const) {
    const flags = [first, second].map((each) => each.slice(0, each.indexOf('=')));
    it(`register takes one of ${flags.join(' and ')}`, async () => {
      const argv = ['register', '--name', 'x', '--destination', DESTINATION, first, second];
      const err = refused(await webhooks(...argv), 2);
      assert.equal(err, `carillon: ${flags.join(' and ')} are both given; give one of them\n`);
    });
  }

  it('register makes a webhook of every option, and prints its secret once', async () => {
    const files = new Map([
      ['body.liquid', 'Hello {{ webhook.name }}\n'],
      ['key.txt', 'a-key-from-a-file\n'],
      ['cert.pem', client.cert],
      ['client.pem', client.key],
      ['ca.pem', authority.pem],
    ]);
    const readBytes: World['readBytes'] = async (path) => Buffer.from(files.get(path) ?? assert.fail(path));
    const argv = [
      ...['webhooks', 'register', '--json', '--name', 'full', '--destination', SECURE],
      ...['--consent-origin', 'hooks.example.com', '--consent-rate', '120'],
      ...[
        '--tls-client-certificate',
        '@cert.pem',
        '--tls-private-key',
        '@client.pem',
        '--tls-ca-bundle',
        '@ca.pem',
      ],
      ...[
        '--cron',
        '30 2 * * *',
        '--time-zone',
        'Europe/Vienna',
        '--max-runs',
        '7',
        '--schedule-jitter',
        '10s',
      ],
      ...['--misfire', 'skip', '--catchup-window', '2h', '--overlap', 'allow', '--dst-gap', 'skip'],
      ...['--dst-overlap', 'both', '--start-time', '2026-02-01T00:00:00Z', '--end-time', '365d'],
      ...['--event-type', 'order.*', '--event-type', 'user.created', '--filter', 'event.data.amount > 100'],
      ...[
        '--template',
        '@body.liquid',
        '--content-type',
        'text/x-hello',
        '--event-format',
        'cloudevents-binary',
      ],
      ...[
        '--header',
        'x-one=1',
        '--secret-header',
        'X-Key=@key.txt',
        '--username',
        'ann',
        '--password',
        '@key.txt',
        '--header-template',
        'x-two={{ event.id }}',
        '--timeout',
        '2.5s',
      ],
      ...['--max-attempts', '3', '--retry-delay', '1s', '--retry-delay', '1m', '--retry-jitter', '0'],
      ...['--client-errors', 'fail', '--concurrency', '2', '--rate', '0.5', '--burst', '3', '--ordered'],
      ...['--waiting-max', '9', '--overflow', 'drop-newest', '--asymmetric'],
      ...['--compatibility-header', 'X-Sig', '--compatibility-value', 'v={signature}'],
      ...['--compatibility-secret', '@body.liquid', '--compatibility-key-form', 'text'],
      ...['--compatibility-algorithm', 'hmac-sha1', '--compatibility-encoding', 'base64'],
      ...['--compatibility-content', 'timestamp-body'],
      ...['--label', 'team=red', '--label', 'expression=a=b'],
    ];
    const { code, out, err } = await runCli(api().url, argv, { readBytes });
    assert.deepEqual([code, err], [0, '']);
    const { webhook, secret, created } = JSON.parse(out);
    assert.match(secret, /^whsec_/);
    assert.equal(created, true);
    const {
      id,
      uid,
      etag,
      createTime,
      updateTime,
      nextRunTime,
      effective,
      signingSecrets,
      secretHeaders,
      auth,
      tls,
      consentStanding,
      holdEndTime,
      ...rest
    } = webhook;
    assert.equal(secretHeaders['x-key'].hint, 'file');
    assert.deepEqual([auth.basic.username, auth.basic.password.hint], ['ann', 'file']);
    assert.deepEqual([consentStanding.state, consentStanding.nextAskTime], ['STATE_PENDING', holdEndTime]);
    assert.deepEqual([tls.clientCertificate, tls.caBundle], [client.cert, authority.pem]);
    assert.deepEqual([tls.privateKey.hint, tls.identity.subject], ['CN=carillon', 'CN=carillon']);
    assert.doesNotMatch(out, /a-key-from|PRIVATE KEY/);
    assert.equal(signingSecrets.length, 1);
    assert.equal(effective.limits.concurrency, 1);
    assert.match(id, ID);
    assert.equal(uid, id);
    assert.deepEqual(rest, {
      namespace: 'default',
      name: 'full',
      destination: SECURE,
      schedule: {
        cron: '30 2 * * *',
        timeZone: 'Europe/Vienna',
        startTime: '2026-02-01T00:00:00Z',
        endTime: '2027-01-01T00:00:00Z',
        maxRuns: '7',
        jitter: '10s',
        misfirePolicy: 'MISFIRE_POLICY_SKIP',
        catchupWindow: '7200s',
        overlapPolicy: 'OVERLAP_POLICY_ALLOW',
        dstGap: 'DST_GAP_POLICY_SKIP',
        dstOverlap: 'DST_OVERLAP_POLICY_BOTH',
      },
      eventTypes: ['order.*', 'user.created'],
      filter: 'event.data.amount > 100',
      payload: {
        template: 'Hello {{ webhook.name }}\n',
        contentType: 'text/x-hello',
        eventFormat: 'EVENT_FORMAT_CLOUDEVENTS_BINARY',
        headerTemplates: { 'x-two': '{{ event.id }}' },
      },
      headers: { 'x-one': '1' },
      timeout: '2.500s',
      retryPolicy: {
        maxAttempts: 3,
        delays: ['1s', '60s'],
        jitter: 0,
        clientErrors: 'CLIENT_ERRORS_FAIL',
      },
      limits: {
        concurrency: 2,
        rateLimit: { perSecond: 0.5, burst: 3 },
        ordered: true,
        waitingMax: 9,
        overflowPolicy: 'OVERFLOW_POLICY_DROP_NEWEST',
      },
      labels: { team: 'red', expression: 'a=b' },
      asymmetricSignature: true,
      compatibilitySignature: {
        secret: '',
        keyForm: 'KEY_FORM_TEXT',
        algorithm: 'ALGORITHM_HMAC_SHA1',
        encoding: 'ENCODING_BASE64',
        content: 'CONTENT_TIMESTAMP_BODY',
        header: 'X-Sig',
        value: 'v={signature}',
      },
      state: 'STATE_ACTIVE',
      stateReason: '',
      holdReason: 'NO_CONSENT',
      runCount: '0',
      skippedRunCount: '0',
      filterFailureCount: '0',
      warnings: [],
      consent: { origin: 'hooks.example.com', requestRate: 120 },
    });
  });

  it('register takes what tokens are got with, and update a part of it, which leaves the rest', async () => {
    const readBytes: World['readBytes'] = async () => Buffer.from('a-secret-from-a-file\n');
    const run = async (...argv: string[]) => {
      const { code, out, err } = await runCli(api().url, ['webhooks', ...argv, '--json'], { readBytes });
      assert.deepEqual([code, err], [0, '']);
      assert.doesNotMatch(out, /a-secret-from/);
      return JSON.parse(out).webhook.auth;
    };
    const { oauth2 } = await run(
      ...['register', '--id', 'tokens', '--name', 'tokens', '--destination', DESTINATION],
      ...['--oauth-token-url', 'https://auth.example.com/token', '--oauth-client-id', 'ann'],
      ...['--oauth-client-secret', '@secret.txt', '--oauth-scope', 'a', '--oauth-scope', 'b'],
      ...['--oauth-parameter', 'audience=x=y', '--oauth-client-authentication', 'post'],
      ...['--oauth-token-lifetime', '5m'],
    );
    const { clientSecret, ...rest } = oauth2;
    assert.equal(clientSecret.hint, 'file');
    assert.deepEqual(rest, {
      tokenUrl: 'https://auth.example.com/token',
      clientId: 'ann',
      scopes: ['a', 'b'],
      parameters: { audience: 'x=y' },
      clientAuthentication: 'CLIENT_AUTHENTICATION_POST',
      tokenLifetime: '300s',
    });
    const after = await run('update', 'tokens', '--oauth-client-secret', 'another-one-of-2027');
    assert.deepEqual(after.oauth2, { ...rest, clientSecret: after.oauth2.clientSecret });
    assert.equal(after.oauth2.clientSecret.hint, '2027');
    const { out } = await webhooks('get', 'tokens');
    assert.match(out, /^auth +oauth2 ann:\*{3}2027 at https:\/\/auth\.example\.com\/token, for a b$/m);
    const { basic } = await run('update', 'tokens', '--username', 'ben', '--password', 'a-password');
    assert.equal(basic.username, 'ben');
    const renamed = await run('update', 'tokens', '--username', 'carl');
    assert.deepEqual(renamed.basic, { ...basic, username: 'carl' });
  });

  it('shows what the destination has said to being asked', async () => {
    const asked = ['--consent-origin', 'hooks.example.com', '--destination', SECURE];
    const { out } = await webhooks('register', '--id', 'asked', '--name', 'asked', ...asked);
    assert.match(out, /^consent {2,}PENDING; asked now$/m);
    const refused = await webhooks('update', 'asked', '--consent-origin', 'no host');
    assert.match(refused.err, /--consent-origin \(webhook\.consent\.origin\): must be a valid hostname$/m);
    const webhookId = (await api().webhooks.get({ id: 'asked' })).webhook!.uid;
    const no = { state: 'REFUSED', reason: 'it answered 405', askedAt: 1, tries: 1, since: 1 } as const;
    await api().store.keepConsents([{ webhookId, consent: { ...no, dueAt: api().clock.now() + 60_000 } }]);
    const shown = await webhooks('get', 'asked');
    assert.match(shown.out, /^consent {2,}REFUSED: it answered 405; asked again in 1m/m);
    assert.match(shown.out, /^held {2,}without the consent of its destination until /m);
    const yes = {
      state: 'GRANTED',
      allowedPerMinute: 1,
      askedAt: 1,
      dueAt: null,
      tries: 0,
      since: 1,
    } as const;
    await api().store.keepConsents([{ webhookId, consent: yes }]);
    assert.match((await webhooks('get', 'asked')).out, /^consent {2,}GRANTED, at most 1 request a minute$/m);
    await api().webhooks.remove({ id: 'asked' });
  });

  it('shows whose client certificate it is, and warns of a webhook that verifies nothing', async () => {
    const files: Record<string, string> = { 'c.pem': client.cert, 'k.pem': client.key };
    const readBytes: World['readBytes'] = async (path) => Buffer.from(files[path] ?? assert.fail(path));
    const argv = ['webhooks', 'register', '--id', 'dangerous', '--name', 'd', '--destination', SECURE];
    const tls = [
      '--tls-client-certificate',
      '@c.pem',
      '--tls-private-key',
      '@k.pem',
      '--tls-insecure-skip-verify',
    ];
    const { code, out } = await runCli(api().url, [...argv, ...tls], { readBytes });
    assert.equal(code, 0);
    assert.match(out, /^warning {2,}TLS is not verified: whoever is on the way can read and change/m);
    assert.match(out, /^client certificate {2,}CN=carillon, until .*, SHA-256 [0-9a-f]{64}$/m);
    const listed = await webhooks('list', '--filter', 'warnings:TLS_NOT_VERIFIED');
    assert.match(listed.out, /^ID +NAME +STATE +WARNING .*\ndangerous +d +ACTIVE +TLS_NOT_VERIFIED /m);
    const mended = await webhooks('update', 'dangerous', '--clear', 'tls.insecure_skip_verify');
    assert.doesNotMatch(mended.out, /warning/);
    assert.match(mended.out, /^client certificate /m);
    await api().webhooks.remove({ id: 'dangerous' });
  });

  it('register says whether the webhook is new, and shows the secret only then', async () => {
    const argv = ['register', '--name', 'twice', '--destination', DESTINATION, '--every', '1m'];
    const first = await webhooks(...argv);
    assert.match(first.out, /^Registered\.\n\nsecret {7}whsec_\S+ \(shown this once\)\nid {11}wh_/);
    const second = await webhooks(...argv);
    assert.match(second.out, /^Changed\.\n\nid {11}wh_/);
    assert.equal(ID.exec(second.out)?.[0], ID.exec(first.out)?.[0]);
    assert.match(second.out, /^rings {8}every 1 m$/m);
  });

  it('register can only look whether it would be taken', async () => {
    const { out } = await webhooks(
      'register',
      '--name',
      'dry',
      '--destination',
      DESTINATION,
      '--validate-only',
    );
    assert.match(out, /^Valid; not registered\./);
    assert.match(
      refused(await webhooks('get', 'dry'), 1),
      /no webhook with the id or name "dry" \(NOT_FOUND\)/,
    );
  });

  it('register takes a webhook from a file or standard input, to which options add', async () => {
    const file = {
      name: 'filed',
      destination: DESTINATION,
      retryPolicy: { maxAttempts: 5, delays: ['5m'] },
      schedule: { every: '1h30m', misfirePolicy: 'SKIP' },
      labels: { a: 'b' },
    };
    const readBytes: World['readBytes'] = async () => Buffer.from(JSON.stringify(file));
    for (const from of ['hook.json', '-']) {
      const argv = [
        'webhooks',
        'register',
        '--from',
        from,
        '--retry-jitter',
        '0.5',
        '--name',
        from,
        '--json',
      ];
      const { webhook } = JSON.parse((await runCli(api().url, argv, { readBytes })).out);
      assert.deepEqual(
        [webhook.name, webhook.retryPolicy.maxAttempts, webhook.retryPolicy.jitter, webhook.labels],
        [from, 5, 0.5, { a: 'b' }],
      );
      assert.deepEqual(
        [webhook.retryPolicy.delays, webhook.schedule.every, webhook.schedule.misfirePolicy],
        [['300s'], '5400s', 'MISFIRE_POLICY_SKIP'],
      );
    }
  });

  it('register takes what get --json printed, and an option in place of what does not go with it', async () => {
    await webhooks('register', '--name', 'again', '--destination', DESTINATION, '--every', '1h30m');
    const printed = (await webhooks('get', 'again', '--json')).out;
    const again = async (...argv: string[]) => {
      const readBytes: World['readBytes'] = async () => Buffer.from(printed);
      const all = ['webhooks', ...argv, '--from', '-', '--json'];
      const { code, out, err } = await runCli(api().url, all, { readBytes });
      assert.deepEqual([code, err], [0, '']);
      return JSON.parse(out).webhook;
    };
    const { webhook } = JSON.parse(printed);
    const same = await again('register');
    assert.deepEqual([same.id, same.schedule.every], [webhook.id, '5400s']);
    const { schedule } = await again('register', '--cron', '0 3 * * *');
    assert.deepEqual([schedule.every, schedule.cron], [undefined, '0 3 * * *']);
  });

  it('says in its own words why a file is no webhook', async () => {
    const readBytes: World['readBytes'] = async () => Buffer.from('{"nmae": "x"}');
    const ran = await runCli(api().url, ['webhooks', 'register', '--from', 'x.json'], { readBytes });
    assert.equal(refused(ran, 2), 'carillon: --from: it is not a webhook: key "nmae" is unknown\n');
  });

  it('does not repeat what a file gives in a wrong form where it may be a secret', async () => {
    for (const [given, what] of [
      [{ signing: 'whsec_Zebra' }, 'Signing'],
      [{ signing: { secret: 2026 } }, 'Signing.secret'],
      [{ secretHeaders: { 'x-key': 'Zebra' } }, 'SecretValue'],
      [{ secretHeaders: { 'x-key': { value: 2026 } } }, 'SecretValue.value'],
      [{ headers: 'authorization: Zebra' }, 'Webhook.headers'],
      [{ headers: { authorization: 2026 } }, 'Webhook.headers'],
      [{ auth: 'Zebra' }, 'Auth'],
      [{ auth: { basic: 'Zebra' } }, 'BasicAuth'],
      [{ auth: { bearer: { token: 'Zebra' } } }, 'SecretValue'],
      [{ auth: { oauth2: { clientSecret: 'Zebra' } } }, 'SecretValue'],
      [{ auth: { oauth2: { parameters: 'Zebra' } } }, 'OAuth2Auth.parameters'],
      [{ compatibilitySignature: { secret: 2026 } }, 'CompatibilitySignature.secret'],
    ] as const) {
      const readBytes: World['readBytes'] = async () => Buffer.from(JSON.stringify(given));
      const ran = await runCli(api().url, ['webhooks', 'register', '--from', 'x.json'], { readBytes });
      assert.equal(
        refused(ran, 2),
        `carillon: --from: it is not a webhook: ${what} is given in a wrong form\n`,
      );
    }
  });

  it('names the options that are wrong, and exits with 2', async () => {
    const argv = [
      'register',
      '--name',
      'x',
      '--destination',
      'ftp://x',
      '--timeout',
      '99h',
      '--label',
      'a b=c',
    ];
    const err = refused(await webhooks(...argv), 2);
    assert.match(err, /^carillon: the server refused this \(INVALID_ARGUMENT\):\n/);
    assert.match(err, /^ {2}--destination \(webhook\.destination\): has the scheme ftp/m);
    assert.match(err, /^ {2}--timeout \(webhook\.timeout\): must be/m);
    assert.match(err, /^ {2}--label \(webhook\.labels\["a b"\]\): /m);
  });

  for (const [what, argv, message] of [
    [
      'a bad duration',
      ['register', '--every', '5'],
      /^carillon: --every: "5" is not allowed; give a duration/,
    ],
    ['a bad word', ['register', '--overlap', 'maybe'], /give one of supersede, skip, allow/],
    [
      'a bad state',
      ['list', '--state', 'gone'],
      /--state: "gone" is not allowed; give one of active, paused/,
    ],
    [
      'a bad limit',
      ['list', '--limit', '0'],
      /--limit: "0" is not allowed; give a whole number from 1 to 10000/,
    ],
    [
      'a bad label',
      ['list', '--label', 'team'],
      /--label: "team" is not allowed; give a name, an equals sign/,
    ],
    ['a missing file', ['register', '--from', 'x'], /--from: "x" cannot be read: there is no such file/],
    ['an update of nothing', ['update', 'joe'], /nothing to change was given/],
    ['an unknown verb', ['registre'], /"registre" is not a command of webhooks \(did you mean register\?\)/],
    [
      'a bad address',
      ['list', '--address', 'ftp://x'],
      /--address: "ftp:\/\/x" is not allowed; give an http/,
    ],
    [
      'a password',
      ['list', '--address', 'http://a:b@x'],
      /--address must not hold a user or a password; the API takes a key, in CARILLON_API_KEY/,
    ],
    [
      'a key that is none',
      ['list', '--api-key', 'secret'],
      /^carillon: --api-key is no key; a key begins with ck_/,
    ],
  ] as const) {
    it(`refuses ${what} before any call, in one line, with exit code 2`, async () => {
      const err = refused(await runCli('http://127.0.0.1:9', ['webhooks', ...argv]), 2);
      assert.match(err, message);
      assert.equal(err.trimEnd().split('\n').length, 1);
    });
  }

  it('list shows a table that fits the terminal, with colours for a person only', async () => {
    await webhooks('register', '--name', 'listed', '--destination', `${DESTINATION}/${'long'.repeat(40)}`);
    const argv = ['webhooks', 'list', '--name', 'listed'];
    const piped = await runCli(api().url, argv);
    assert.match(
      piped.out,
      /^ID +NAME +STATE +RINGS +NEXT +DESTINATION\nwh_\S+ +listed +ACTIVE +every 5 s +in 5s +http/,
    );
    assert.ok(piped.out.includes('longlonglong'.repeat(10)));
    const seen = await runCli(api().url, argv, { terminal: true, columns: 80 });
    assert.notEqual(stripVTControlCharacters(seen.out), seen.out);
    const lines = stripVTControlCharacters(seen.out).trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) assert.ok(line.length <= 80, line);
    assert.match(lines[1] ?? '', /^wh_\S{26} {2}listed +ACTIVE +http:\/\/127\.0\.0\.1:9999\/hook\/long\S*…$/);
    const mono = await runCli(api().url, argv, { terminal: true, columns: 80, env: { NO_COLOR: '1' } });
    assert.equal(stripVTControlCharacters(mono.out), mono.out);
  });

  it('list and get say what fails, and since when', async () => {
    const now = api().clock.now();
    const health = { failingSince: now - 7_200_000, trips: 3, openUntil: now + 60_000, holdUntil: null };
    await api().store.createWebhooks([aWebhook({ spec: { name: 'failing' }, health })]);
    assert.match(
      (await webhooks('list', '--name', 'failing')).out,
      /^ID +NAME +STATE +FAILING +HELD .*\n.* ACTIVE +2h +1m /,
    );
    const { out } = await webhooks('get', 'failing');
    assert.match(out, /^failing since +\S+ \(2h ago\)\nheld +circuit breaker open until \S+ \(in 1m\)$/m);
    assert.doesNotMatch((await webhooks('resume', 'failing')).out, /failing since|held/);
  });

  it('get says how the last attempt was answered, and what waits', async () => {
    const webhook = aWebhook({ spec: { name: 'busy' } });
    await api().store.createWebhooks([webhook]);
    assert.match((await webhooks('get', 'busy')).out, /^waiting +0 deliveries$/m);
    const id = await aDeliveryThat(api().store, webhook.id, {
      status: 503,
      to: { to: 'FAILED', reason: 'EXHAUSTED' },
    });
    await aDeliveryThat(api().store, webhook.id, {});
    await aDeliveryThat(api().store, webhook.id, {});
    const { out } = await webhooks('get', 'busy');
    assert.match(
      out,
      new RegExp(`^last answer +503, 2026-01-01T\\S+ \\(.*\\), ${id}\nwaiting +2 deliveries$`, 'm'),
    );
    await api().store.createWebhooks([aWebhook({ spec: { name: 'idle' } })]);
    const idle = (await webhooks('get', 'idle')).out;
    assert.match(idle, /^waiting +0 deliveries$/m);
    assert.doesNotMatch(idle, /last answer/);
    assert.match(
      (await webhooks('list', '--name', 'busy')).out,
      /^ID .* LAST +WAITING .*\n.* 503, \S+( ago)? +2 /,
    );
    assert.doesNotMatch((await webhooks('list', '--name', 'idle')).out, /LAST|WAITING/);
  });

  it('list says so when there is nothing, and when there is more', async () => {
    assert.deepEqual(await webhooks('list', '--name', 'nobody'), { code: 0, out: 'no webhooks\n', err: '' });
    const many = Array.from({ length: 3 }, (_, n) =>
      aWebhook({ spec: { name: 'many', destination: `${DESTINATION}/${n}` } }),
    );
    await api().store.createWebhooks(many);
    const two = await webhooks('list', '--name', 'many', '--limit', '2');
    assert.equal(two.out.trimEnd().split('\n').length, 3);
    const [, token = ''] =
      /^carillon: these are 2, and there are more; ask for them with --limit, or go on with\n {2}--page-token (\S+)\n$/.exec(
        two.err,
      ) ?? assert.fail(two.err);
    const rest = await webhooks('ls', '--name', 'many', '--limit', '2', '--page-token', token);
    assert.equal(rest.out.trimEnd().split('\n').length, 2);
    assert.equal(rest.err, '');
    assert.equal((await webhooks('list', '--name', 'many')).err, '');
  });

  it('list says that a page token is of another list, and by which option', async () => {
    const many = [1, 2].map((n) =>
      aWebhook({ spec: { name: 'paged', destination: `${DESTINATION}/p${n}` } }),
    );
    await api().store.createWebhooks(many);
    const { nextPageToken } = await json('list', '--name', 'paged', '--limit', '1');
    const err = refused(await webhooks('list', '--name', 'other', '--page-token', nextPageToken), 2);
    assert.match(err, /--page-token \(page_token\): /);
  });

  it('list gathers as many pages as it takes', async () => {
    const crowd = Array.from({ length: 1100 }, (_, n) =>
      aWebhook({ spec: { name: 'crowd', destination: `${DESTINATION}/${n}` } }),
    );
    await api().store.createWebhooks(crowd);
    const { webhooks: listed, nextPageToken } = await json('list', '--name', 'crowd', '--limit', '2000');
    assert.deepEqual([listed.length, nextPageToken], [1100, '']);
  });

  it('list finds by name, state and labels', async () => {
    const [red, blue] = ['red', 'blue'].map((team) =>
      aWebhook({
        state: 'PAUSED',
        spec: { name: 'found', destination: `${DESTINATION}/${team}`, labels: { team } },
      }),
    );
    assert.ok(red && blue);
    await api().store.createWebhooks([red, blue]);
    const ids = async (...argv: string[]) =>
      (await json('list', '--name', 'found', ...argv)).webhooks.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids('--state', 'paused'), [red.id, blue.id].sort());
    assert.deepEqual(await ids('--label', 'team=red'), [red.id]);
    assert.deepEqual(await ids('--state', 'ACTIVE'), []);
    assert.deepEqual(await ids('--filter', 'labels.team = green OR NOT labels.team = red'), [blue.id]);
    const backwards = [red.id, blue.id].sort().reverse();
    assert.deepEqual(await ids('--order-by', 'create_time desc'), backwards);
  });

  it('ls and rm do what list and remove do', async () => {
    await webhooks('register', '--name', 'short', '--destination', DESTINATION);
    assert.match((await webhooks('ls', '--name', 'short')).out, /short/);
    assert.match((await webhooks('rm', 'short')).out, /^removed wh_/);
    assert.match((await webhooks('rm', '--help')).out, /^carillon webhooks remove: /);
    assert.match((await webhooks('--help')).out, /^ {2}list, ls +List webhooks/m);
  });

  it('get, pause, resume, trigger and remove take an id, or a name that one webhook has', async () => {
    const { webhook } = await json('register', '--name', 'single', '--destination', DESTINATION);
    for (const which of ['single', webhook.id]) {
      assert.equal((await json('get', which)).webhook.id, webhook.id);
      assert.equal((await json('pause', which)).webhook.state, 'STATE_PAUSED');
      assert.equal((await json('resume', which)).webhook.state, 'STATE_ACTIVE');
      assert.match((await json('trigger', which)).deliveryId, /^msg_/);
    }
    assert.match((await webhooks('trigger', 'single')).out, /^delivery msg_\S{26}\n$/);
    assert.match((await webhooks('pause', 'single')).out, /^state {8}PAUSED$/m);
    assert.deepEqual(await webhooks('remove', 'single'), {
      code: 0,
      out: `removed ${webhook.id}\n`,
      err: '',
    });
  });

  it('rotate-secret prints the new secret once, and get shows which secrets sign and until when', async () => {
    await webhooks('register', '--name', 'rotated', '--destination', DESTINATION);
    assert.doesNotMatch((await webhooks('get', 'rotated')).out, /signed with/);
    const { code, out } = await webhooks('rotate-secret', 'rotated', '--overlap', '36h');
    assert.equal(code, 0);
    assert.match(
      out,
      /^Rotated\.\n\nsecret {7}whsec_\S{44} \(shown this once\)\nsigned with {2}sec_\S{26}, sec_\S{26} /,
    );
    const shown = (await webhooks('get', 'rotated')).out;
    assert.match(shown, /^signed with {2}sec_\S{26}, sec_\S{26} until \d{4}-\S+Z \(in 1d\)$/m);
    assert.doesNotMatch(shown, /whsec_/);

    const readBytes: World['readBytes'] = async () => Buffer.from(`whsec_${'A'.repeat(40)}\n`);
    const argv = ['webhooks', 'rotate-secret', 'rotated', '--json', '--overlap', '0s', '--secret', '@file'];
    const given = JSON.parse((await runCli(api().url, argv, { readBytes })).out);
    assert.deepEqual([given.secret, given.webhook.signingSecrets.length], [`whsec_${'A'.repeat(40)}`, 1]);
    const again = await runCli(api().url, argv.slice(0, 3).concat('--secret', '@file'), { readBytes });
    assert.match(again.out, /^It signs with this secret already\.\n\nid /);

    const wrong = await webhooks('rotate-secret', 'rotated', '--overlap', '31d');
    assert.match(refused(wrong, 2), /--overlap .*less than or equal to 2592000s/);
    assert.match(
      refused(await webhooks('rotate-secret', 'rotated', '--secret', 'x'), 2),
      /--secret .*must begin with whsec_/,
    );
  });

  it('withdraw-secret ends a secret at once', async () => {
    await webhooks('register', '--name', 'withdrawn', '--destination', DESTINATION);
    const { webhook } = await json('rotate-secret', 'withdrawn');
    const [newest, old] = webhook.signingSecrets.map(({ id }: { readonly id: string }) => id);
    const missing = await webhooks('withdraw-secret', 'withdrawn');
    assert.equal(refused(missing, 2), 'carillon: --secret-id is required: see carillon webhooks get\n');
    const { out } = await webhooks('withdraw-secret', 'withdrawn', '--secret-id', newest);
    assert.match(out, /^Withdrawn\.\n\nid /);
    const left = await json('get', 'withdrawn');
    assert.deepEqual(left.webhook.signingSecrets, [{ id: old, createTime: '2026-01-01T00:00:00Z' }]);
    const gone = await webhooks('withdraw-secret', 'withdrawn', '--secret-id', newest);
    assert.match(refused(gone, 1), new RegExp(`has no signing secret ${newest} that signs`));
  });

  it('pause and resume take all of a filter, after a dry run if asked', async () => {
    const ids: string[] = [];
    for (const path of ['x', 'y']) {
      const named = ['--name', 'several', '--label', 'many=yes', '--destination', `${DESTINATION}/${path}`];
      ids.push((await json('register', ...named)).webhook.id);
    }
    ids.sort();
    const filter = ['--filter', 'labels.many = yes'];
    const lines = (done: string) => ids.map((id) => `${done} ${id}\n`).join('');
    assert.equal((await webhooks('pause', ...filter, '--dry-run')).out, lines('would be paused'));
    assert.equal((await webhooks('pause', ...filter)).out, lines('paused'));
    assert.deepEqual((await json('resume', ...filter)).ids, ids);
    assert.equal((await webhooks('resume', '--filter', 'labels.many = no')).out, 'no webhooks\n');
    for (const argv of [
      ['pause'],
      ['pause', 'several', ...filter],
      ['pause', ...filter, '--etag', 'x'],
      ['resume', 'several', '--dry-run'],
      ['remove', ...filter, '--destination', 'x'],
    ]) {
      assert.match(refused(await webhooks(...argv), 2), /give either a webhook|goes with/);
    }
  });

  it('remove of several asks at a terminal, and elsewhere wants --all', async () => {
    const ids: string[] = [];
    for (const path of ['x', 'y']) {
      const named = ['--name', 'asked-about', '--destination', `${DESTINATION}/${path}`];
      ids.push((await json('register', ...named)).webhook.id);
    }
    ids.sort();
    const argv = ['webhooks', 'remove', 'asked-about'];
    assert.equal(
      refused(await runCli(api().url, argv), 2),
      `carillon: there are 2 webhooks named asked-about: ${ids.join(', ')}; give --all to remove all of them\n`,
    );
    const questions: string[] = [];
    const answering = (answer: boolean) => ({
      interactive: true,
      ask: async (question: string) => {
        questions.push(question);
        return answer ? 'y' : '';
      },
    });
    assert.equal((await runCli(api().url, argv, answering(false))).out, 'nothing was removed\n');
    assert.deepEqual(questions, [
      `there are 2 webhooks named asked-about: ${ids.join(', ')}\nRemove all of them? [y/N] `,
    ]);
    const dry = await webhooks('remove', '--filter', 'name = asked-about', '--dry-run');
    assert.equal(dry.out, ids.map((id) => `would be removed ${id}\n`).join(''));
    const removed = ids.map((id) => `removed ${id}\n`).join('');
    assert.equal((await runCli(api().url, argv, answering(true))).out, removed);
    for (const path of ['x', 'y'])
      await webhooks('register', '--name', 'asked-about', '--destination', `${DESTINATION}/${path}`);
    assert.equal((await json('remove', 'asked-about', '--all')).ids.length, 2);
  });

  it('asks which is meant when several have a name', async () => {
    for (const path of ['a', 'b'])
      await webhooks('register', '--name', 'pair', '--destination', `${DESTINATION}/${path}`);
    const err = refused(await webhooks('pause', 'pair'), 2);
    assert.match(
      err,
      /several webhooks have the name "pair"; give the id of one:(?:\n {2}wh_\S{26} {2}http\S+\/[ab]){2}\n$/,
    );
    const { ids } = await json('remove', 'pair', '--destination', `${DESTINATION}/a`);
    assert.equal(ids.length, 1);
    assert.equal((await json('remove', 'pair')).ids.length, 1);
    assert.match(refused(await webhooks('remove', 'pair'), 1), /NOT_FOUND/);
  });

  it('update changes what is given and clears what is named, and nothing else', async () => {
    const destination = `${DESTINATION}/update`;
    const argv = ['--label', 'a=b', '--concurrency', '3', '--rate', '5', '--every', '1m'];
    await webhooks('register', '--name', 'changing', '--destination', destination, ...argv);
    const { webhook } = await json(
      'update',
      'changing',
      '--cron',
      '@daily',
      '--ordered',
      '--clear',
      'labels',
    );
    assert.deepEqual(
      [webhook.schedule.cron, webhook.labels, webhook.limits.ordered, webhook.limits.rateLimit.perSecond],
      ['@daily', {}, true, 5],
    );
    const cleared = await json('update', 'changing', '--clear', 'limits.rate_limit');
    assert.equal(cleared.webhook.limits.rateLimit, undefined);
    assert.match(
      refused(await webhooks('update', 'changing', '--clear', 'colour'), 2),
      /--clear \(update_mask\): names "colour", which is not a field/,
    );
  });

  it('update takes back what get printed', async () => {
    await webhooks('register', '--name', 'round', '--destination', `${DESTINATION}/round`);
    const { webhook } = await json('get', 'round');
    const readBytes: World['readBytes'] = async () =>
      Buffer.from(JSON.stringify({ ...webhook, labels: { new: '1' } }));
    const argv = ['webhooks', 'update', 'round', '--from', '-', '--json'];
    const { code, out, err } = await runCli(api().url, argv, { readBytes });
    assert.deepEqual([code, err], [0, '']);
    assert.deepEqual(JSON.parse(out).webhook.labels, { new: '1' });
  });

  it('changes nothing under another etag', async () => {
    await webhooks('register', '--name', 'etagged', '--destination', `${DESTINATION}/etagged`);
    for (const argv of [
      ['pause', 'etagged'],
      ['remove', 'etagged', '--destination', `${DESTINATION}/etagged`],
    ]) {
      assert.match(
        refused(await webhooks(...argv, '--etag', 'old'), 1),
        /does not have the etag "old" now.*\(ABORTED\)/,
      );
    }
  });
});

describe('carillon without its server', () => {
  it('says that none answers, and how to start one', async () => {
    const { code, err } = await runCli('http://127.0.0.1:9', ['webhooks', 'list']);
    assert.equal(code, 1);
    assert.equal(
      err,
      'carillon: no server answers at http://127.0.0.1:9; start one with carillon dev, or name another with --address\n',
    );
  });
});

describe('carillon and another server than ours', () => {
  it('knows a server that does not speak TLS', async () => {
    await using running = await startApi();
    const { code, err } = await runCli(running.url.replace('http:', 'https:'), ['webhooks', 'list']);
    assert.equal(code, 1);
    assert.match(
      err,
      /^carillon: what answers at https:\/\/127\.0\.0\.1:\d+ does not speak TLS; .* http:\/\/ /,
    );
  });

  it('is found on this machine by its port alone', async () => {
    await using running = await startApi();
    const { port } = new URL(running.url);
    const listed = await runCli('http://127.0.0.1:9', ['webhooks', 'list', '--address', `:${port}`]);
    assert.deepEqual(listed, { code: 0, out: 'no webhooks\n', err: '' });
  });

  it('knows a server that is not Carillon', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const { code, err } = await runCli(`127.0.0.1:${port}`, ['webhooks', 'list']);
      assert.equal(code, 1);
      assert.match(
        err,
        /^carillon: what answers at http:\/\/127\.0\.0\.1:\d+ is not a Carillon server \(HTTP 404\)/,
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
