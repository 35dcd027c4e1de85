import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { World } from '../../../../src/cli/world.ts';
import { createAuthority, type Pair } from '../../../support/authority.ts';
import { runCli } from '../../../support/cli.ts';
import { folderOf } from '../../../support/folder.ts';
import { sharedApi } from '../../../support/rpc.ts';
import { T0 } from '../../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

describe('carillon apply', () => {
  const api = sharedApi();

  interface Given extends Partial<Pick<World, 'ask' | 'interactive' | 'terminal'>> {
    readonly files: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
  }
  /** Runs it on all files of a folder. */
  const run = ({ files, ...given }: Given, ...argv: string[]) =>
    runCli(api().url, ['apply', '-f', 'hooks/', ...argv], { ...folderOf(files), ...given });
  const yes = (files: Readonly<Record<string, string>>, ...argv: string[]) =>
    run({ files }, '--yes', ...argv);
  const get = async (id: string) => (await api().webhooks.get({ id })).webhook!;

  it('creates what is declared, and then says and changes nothing', async () => {
    const files = {
      'hooks/a.yaml': `# two documents\nid: first\nname: first\ndestination: ${DESTINATION}\nschedule: { cron: 30 2 * * *, timeZone: Europe/Vienna }\n---\n- id: second\n  name: second\n  destination: ${DESTINATION}\n  eventTypes: [order.*]\n`,
      'hooks/b.json': JSON.stringify([
        { id: 'third', name: 'third', destination: DESTINATION, timeout: '5m' },
      ]),
      'hooks/notes.txt': 'not a declaration',
    };
    const first = await yes(files);
    assert.equal(first.code, 0);
    assert.match(first.out, /^\+ first {2}hooks\/a\.yaml:2\n {4}name: first\n {4}destination: http/);
    assert.match(first.out, /^ {4}schedule\.cron: "30 2 \* \* \*"$/m);
    assert.match(first.out, /^3 to create, 0 unchanged\ncreated first\ncreated second\ncreated third\n$/m);
    assert.equal((await get('third')).timeout?.seconds, 300n);

    const before = await Promise.all(['first', 'second', 'third'].map(get));
    api().clock.advance(1000);
    assert.deepEqual(await yes(files), { code: 0, out: '', err: '' });
    assert.deepEqual(await Promise.all(['first', 'second', 'third'].map(get)), before);
  });

  it('shows field by field what changes, and changes only that', async () => {
    const hook = (timeout: string, labels: string) =>
      `id: changing\nname: changing\ndestination: ${DESTINATION}\ntimeout: ${timeout}\nlabels: ${labels}\n`;
    const same = `id: staying\nname: staying\ndestination: ${DESTINATION}\n`;
    await yes({ 'hooks/a.yaml': hook('15s', '{ team: red, old: x }'), 'hooks/b.yaml': same });
    const staying = await get('staying');
    const { code, out } = await yes({ 'hooks/a.yaml': hook('30s', '{ team: blue }'), 'hooks/b.yaml': same });
    assert.equal(code, 0);
    assert.equal(
      out,
      '~ changing  hooks/a.yaml:1\n    timeout: 15s → 30s\n    labels.team: red → blue\n    labels.old: x → (none)\n' +
        '1 to change, 1 unchanged\nchanged changing\n',
    );
    assert.deepEqual((await get('changing')).labels, { team: 'blue' });
    assert.equal((await get('staying')).etag, staying.etag);
  });

  it('shows where two long texts differ', async () => {
    const hook = (end: string) =>
      `id: long\nname: long\ndestination: ${DESTINATION}\nschedule: { every: 1h }\npayload: { template: ${'word '.repeat(60)}${end} }\n`;
    await yes({ 'hooks/a.yaml': hook('morning') });
    const { out } = await yes({ 'hooks/a.yaml': hook('evening') });
    assert.match(out, /payload\.template: …"word word word word morning" → …"word word word word evening"\n/);
  });

  it('asks on a terminal, and does nothing unless it is told yes', async () => {
    const files = { 'hooks/a.yaml': `id: asked\nname: asked\ndestination: ${DESTINATION}\n` };
    const asked: string[] = [];
    const answering = (answer: string) => ({
      files,
      interactive: true,
      terminal: true,
      env: { NO_COLOR: '1' },
      ask: async (question: string) => {
        asked.push(question);
        return answer;
      },
    });
    const no = await run(answering(''));
    assert.deepEqual([no.code, no.err], [1, 'carillon: nothing was changed\n']);
    assert.match(no.out, /1 to create, 0 unchanged\n$/);
    await assert.rejects(get('asked'));
    const done = await run(answering('y'));
    assert.match(done.out, /created asked, with the secret whsec_\S+ \(shown this once\)\n$/);
    assert.deepEqual(asked, ['Do this? [y/N] ', 'Do this? [y/N] ']);
    // Nothing to do, nothing to ask.
    assert.deepEqual(await run(answering('n')), { code: 0, out: '', err: '' });
    assert.equal(asked.length, 2);
  });

  it('refuses to guess where nobody can be asked', async () => {
    const files = { 'hooks/a.yaml': `id: unasked\nname: unasked\ndestination: ${DESTINATION}\n` };
    const refused = await run({ files });
    assert.deepEqual([refused.code, refused.out], [2, '']);
    assert.match(refused.err, /^carillon: nobody can be asked without a terminal; give --yes/);
    const stdin = await runCli(api().url, ['apply', '-f', '-'], { interactive: true });
    assert.match(stdin.err, /nobody can be asked while standard input is read/);
    assert.match((await run({ files, interactive: true }, '--json')).err, /--json does not ask/);
    assert.match((await yes(files, '--exit-code')).err, /--exit-code goes with --dry-run/);
    assert.match((await yes(files, '--prune')).err, /--prune needs --owner/);
    assert.match((await runCli(api().url, ['apply', '--yes'])).err, /apply needs files: give -f/);
  });

  it('does not print a new secret where a log may keep it, unless it is asked to', async () => {
    const hook = (id: string) => ({
      'hooks/a.yaml': `id: ${id}\nname: ${id}\ndestination: ${DESTINATION}\n`,
    });
    const hidden = await yes(hook('hidden'));
    assert.doesNotMatch(hidden.out + hidden.err, /whsec_/);
    assert.match(
      hidden.err,
      /^carillon: a new webhook has a secret that was not shown; give signing\.secret/,
    );
    assert.match((await yes(hook('shown'), '--show-secrets')).out, /^created shown, with the secret whsec_/m);
  });

  it('shows only what would be done with --dry-run, and says so in the exit code if asked', async () => {
    const files = { 'hooks/a.yaml': `id: dry\nname: dry\ndestination: ${DESTINATION}\n` };
    const plain = await run({ files }, '--dry-run');
    assert.equal(plain.code, 0);
    assert.match(plain.out, /^\+ dry .*1 to create, 0 unchanged\n$/s);
    await assert.rejects(get('dry'));
    assert.equal((await run({ files }, '--dry-run', '--exit-code')).code, 3);
    await yes(files);
    assert.deepEqual(await run({ files }, '--dry-run', '--exit-code'), { code: 0, out: '', err: '' });
  });

  it('knows whether the secret of a compatibility signature differs, and never shows one', async () => {
    const signature = `compatibilitySignature: { header: X-Sig, secret: "\${OLD:-}" }\n`;
    const files = {
      'hooks/a.yaml': `id: as-before\nname: as-before\ndestination: ${DESTINATION}\n${signature}`,
    };
    await run({ files, env: { OLD: 'canary-1' } }, '--yes');
    for (const env of [{ OLD: 'canary-1' }, {}])
      assert.deepEqual(await run({ files, env }, '--yes'), { code: 0, out: '', err: '' });
    const slower = { 'hooks/a.yaml': `${files['hooks/a.yaml']}timeout: 20s\n` };
    for (const [changed, more] of [
      [files, ''],
      [slower, '    timeout: (none) → 20s\n'],
    ] as const) {
      const { out } = await run({ files: changed, env: { OLD: 'canary-2' } }, '--dry-run');
      const secret = '    compatibility_signature.secret: another than before (never shown)\n';
      assert.equal(out, `~ as-before  hooks/a.yaml:1\n${more}${secret}1 to change, 0 unchanged\n`);
    }
    const same = await run({ files: slower, env: { OLD: 'canary-1' } }, '--dry-run');
    assert.doesNotMatch(same.out, /secret|canary/);
  });

  it('knows whether a secret differs, and never shows one', async () => {
    const files = {
      'hooks/a.yaml': `id: signed\nname: signed\ndestination: ${DESTINATION}\nsigning: { secret: "\${SECRET}" }\n`,
    };
    const run1 = await run({ files, env: { SECRET } }, '--yes', '--show-secrets');
    assert.match(run1.out, /^ {4}signing\.secret: the one given$/m);
    assert.deepEqual(await run({ files, env: { SECRET } }, '--yes'), { code: 0, out: '', err: '' });
    const { out, err } = await run({ files, env: { SECRET: OTHER_SECRET } }, '--yes');
    assert.equal(
      out,
      '~ signed  hooks/a.yaml:1\n    signing.secret: another than before (never shown)\n1 to change, 0 unchanged\nchanged signed\n',
    );
    const slower = { 'hooks/a.yaml': `${files['hooks/a.yaml']}timeout: 20s\n` };
    const same = await run({ files: slower, env: { SECRET: OTHER_SECRET } }, '--dry-run');
    assert.doesNotMatch(same.out, /signing/);
    const both = await run({ files: slower, env: { SECRET } }, '--dry-run');
    assert.match(both.out, /timeout: \(none\) → 20s\n {4}signing\.secret: another than before/);
    for (const text of [run1.out, run1.err, out, err, both.out]) assert.doesNotMatch(text, /whsec_/);
  });

  it('shows what came from the environment as it is written, before and after, and in errors', async () => {
    const hook = (destination: string) => ({
      'hooks/a.yaml': `id: token\nname: token\ndestination: ${destination}\nheaders: { authorization: "Bearer \${TOKEN}" }\nfilter: "\${TOKEN}"\n`,
    });
    const first = await run({ files: hook(DESTINATION), env: { TOKEN: 'first-token' } }, '--yes');
    assert.equal(first.code, 2);
    assert.match(first.err, /^hooks\/a\.yaml:5: filter: /m);
    const files = { 'hooks/a.yaml': hook(DESTINATION)['hooks/a.yaml'].replace(/^filter.*\n/m, '') };
    await run({ files, env: { TOKEN: 'first-token' } }, '--yes');
    const second = await run({ files, env: { TOKEN: 'second-token' } }, '--yes');
    assert.match(second.out, /^ {4}secretHeaders\.authorization: \(not shown\) → "Bearer \$\{TOKEN\}"$/m);
    const json = await run({ files, env: { TOKEN: 'third-token' } }, '--dry-run', '--json');
    const leak = async (rest: string, token: string) => {
      const failed = await run(
        { files: { 'hooks/b.yaml': files['hooks/a.yaml'] + rest }, env: { TOKEN: token } },
        '--yes',
      );
      assert.equal(failed.code, 2);
      assert.match(failed.err, /"\$\{TOKEN\}/);
      return failed;
    };
    const here = await leak(`timeout: "$\{TOKEN}"\n`, 'fourth-token');
    const there = await leak(
      `schedule: { cron: "@daily", timeZone: "$\{TOKEN}" }\n`,
      `fifth-token${'x'.repeat(40)}`,
    );
    const cut = await leak(`schedule: { cron: "$\{TOKEN} * * * *" }\n`, `sixth-token${'x'.repeat(90)}`);
    for (const { out, err } of [first, second, json, here, there, cut])
      assert.doesNotMatch(out + err, /-token/);
    const { headers, secretHeaders } = await get('token');
    assert.deepEqual([headers, Object.keys(secretHeaders)], [{}, ['authorization']]);
  });

  it('compares secret headers by the server, and shows neither what they were nor what they become', async () => {
    const hook = (secrets: string) => ({
      'hooks/a.yaml': `id: keyed\nname: keyed\ndestination: ${DESTINATION}\n${secrets}`,
    });
    const given = 'secretHeaders: { x-key: { value: first-value-of-the-key } }\n';
    const first = await yes(hook(given));
    assert.match(first.out, /^ {4}secretHeaders\.x-key: \*{3}-key$/m);
    assert.deepEqual(await yes(hook(given)), { code: 0, out: '', err: '' });
    assert.deepEqual(await yes(hook('secretHeaders: { X-Key: {} }\n')), { code: 0, out: '', err: '' });
    // It ends in the same four characters.
    const other = hook(given.replace('first', 'other'));
    const changed = await run({ files: other }, '--dry-run');
    assert.match(changed.out, /^ {4}secretHeaders\.x-key: another than before \(never shown\)$/m);
    const json = await run({ files: other }, '--dry-run', '--json');
    assert.deepEqual(JSON.parse(json.out).changes[0].differences, [
      { field: 'secretHeaders.x-key', before: '***-key', after: '***-key', replacesSecret: true },
    ]);
    const gone = await yes(hook(''));
    assert.match(gone.out, /^ {4}secretHeaders\.x-key: \*{3}-key → \(none\)$/m);
    for (const { out, err } of [first, changed, json, gone]) assert.doesNotMatch(out + err, /value-of/);
    assert.deepEqual((await get('keyed')).secretHeaders, {});
  });

  it('shows all of a hint that has a blank in it', async () => {
    const files = {
      'hooks/a.yaml': `id: blank\nname: blank\ndestination: ${DESTINATION}\nsecretHeaders: { x-key: { value: four-words-and-a b c } }\n`,
    };
    assert.match((await yes(files)).out, /^ {4}secretHeaders\.x-key: "\*{3} b c"$/m);
  });

  it('compares tokens and passwords so too, and shows the rest of how a webhook is let in', async () => {
    const hook = (auth: string) => ({
      'hooks/a.yaml': `id: let-in\nname: let-in\ndestination: ${DESTINATION}\nauth: ${auth}\n`,
    });
    const basic = (name: string, password: string) =>
      hook(`{ basic: { username: ${name}, password: { value: ${password} } } }`);
    const first = await yes(basic('ann', 'value-of-2026-and-on'));
    assert.match(first.out, /^ {4}auth\.basic\.password: \*{3}d-on$/m);
    assert.deepEqual(await yes(basic('ann', 'value-of-2026-and-on')), { code: 0, out: '', err: '' });
    const renamed = await yes(basic('ben', 'value-of-2027-and-on'));
    assert.match(renamed.out, /^ {4}auth\.basic\.username: ann → ben$/m);
    assert.match(renamed.out, /^ {4}auth\.basic\.password: another than before \(never shown\)$/m);
    const files = hook(`{ bearer: { token: { value: "\${TOKEN}" } } }`);
    const other = await run({ files, env: { TOKEN: 'value-of-token' } }, '--yes');
    assert.match(other.out, /^ {4}auth\.bearer\.token: \(none\) → "\$\{TOKEN\}"$/m);
    for (const { out, err } of [first, renamed, other]) assert.doesNotMatch(out + err, /value-of/);
  });

  it('compares the secret of a client so too, and shows the rest of what tokens are got with', async () => {
    const hook = (secret: string, scopes: string) => ({
      'hooks/a.yaml': `id: tokens\nname: tokens\ndestination: ${DESTINATION}\nauth:\n  oauth2:\n    tokenUrl: https://auth.example.com/token\n    clientId: ann\n    clientSecret: { value: ${secret} }\n    scopes: ${scopes}\n    parameters: { token: plain }\n`,
    });
    const first = await yes(hook('value-of-2026-and-on', '[a]'));
    assert.match(first.out, /^ {4}auth\.oauth2\.clientSecret: \*{3}d-on$/m);
    assert.deepEqual(await yes(hook('value-of-2026-and-on', '[a]')), { code: 0, out: '', err: '' });
    const other = await yes(hook('value-of-2027-and-on', '[a, b]'));
    assert.match(other.out, /^ {4}auth\.oauth2\.clientSecret: another than before \(never shown\)$/m);
    assert.match(other.out, /^ {4}auth\.oauth2\.scopes: \["a"\] → \["a","b"\]$/m);
    assert.match(first.out, /^ {4}auth\.oauth2\.parameters\.token: plain$/m);
    for (const { out, err } of [first, other]) assert.doesNotMatch(out + err, /value-of/);
  });

  it('compares private keys so too, and shows what is asked for TLS otherwise', async () => {
    const authority = createAuthority();
    const notAfter = new Date(Math.max(T0, Date.now()) + 86_400_000);
    const [ann, ben] = ['ann', 'ben'].map((name) => authority.client(name, { notAfter }));
    const hook = ({ cert, key }: Pair, more: object = {}) => {
      const tls = { clientCertificate: cert, privateKey: { value: key }, ...more };
      const destination = DESTINATION.replace('http:', 'https:');
      return { 'hooks/a.json': JSON.stringify({ id: 'mutual', name: 'mutual', destination, tls }) };
    };
    const first = await yes(hook(ann!));
    assert.match(first.out, /^ {4}tls\.privateKey: \*{3}CN=ann$/m);
    assert.deepEqual(await yes(hook(ann!)), { code: 0, out: '', err: '' });
    const renewed = await yes(hook(ben!));
    assert.match(renewed.out, /^ {4}tls\.privateKey: another than before \(never shown\)$/m);
    const dangerous = await yes(hook(ben!, { insecureSkipVerify: true }));
    assert.match(dangerous.out, /^ {4}tls\.insecureSkipVerify: \(none\) → true$/m);
    assert.doesNotMatch(dangerous.out, /privateKey|identity/);
    for (const { out, err } of [first, renewed, dangerous]) assert.doesNotMatch(out + err, /PRIVATE KEY/);
    await api().webhooks.remove({ id: 'mutual' });
  });

  it('shows no secret header of a webhook whose name and destination another one has', async () => {
    const shared = `name: taken\ndestination: ${DESTINATION}\n`;
    await yes({ 'hooks/a.yaml': `id: holder\n${shared}` });
    const files = { 'hooks/a.yaml': `id: keyed\n${shared}headers: { Cookie: of-a-long-session }\n` };
    const { out, err } = await run({ files }, '--json', '--yes');
    assert.match(err, /hooks\/a\.yaml:2: name: /);
    assert.doesNotMatch(out + err, /long-session/);
  });

  it('shows everything that is wrong with all files, with lines and fields, and changes nothing', async () => {
    const files = {
      'hooks/a.yaml': `id: fine\nname: fine\ndestination: ${DESTINATION}\n`,
      'hooks/b.yaml': `id: wrong\nname: wrong\ndestination: ftp://x\nschedule:\n  cron: 61 * * * *\nretry_policy:\n  delays:\n    - 1s\n    - 9d\nlabels:\n  a b: c\n`,
      'hooks/c.yaml': `id: typo\nnmae: x\ndestination: ${DESTINATION}\nschedule:\n  timezone: UTC\n  every: soon\n  overlapPolicy: SKIPP\nsigning: { secret: "\${NOT_SET}" }\n`,
      'hooks/d.json': '[{"name": "no id"},\n "text"]',
      'hooks/e.yaml': 'id: [broken\n',
    };
    const { code, out, err } = await yes(files);
    assert.deepEqual([code, out], [2, '']);
    const lines = err.trimEnd().split('\n');
    const about = (at: string) =>
      lines.filter((line) => line.startsWith(`${at}: `)).map((line) => line.slice(at.length + 2));
    assert.match(about('hooks/b.yaml:3')[0]!, /^destination: has the scheme ftp/);
    assert.match(about('hooks/b.yaml:5')[0]!, /^schedule\.cron: /);
    assert.match(about('hooks/b.yaml:9')[0]!, /^retry_policy\.delays\[1\]: /);
    assert.match(about('hooks/b.yaml:11')[0]!, /^labels\["a b"\]: /);
    assert.match(
      about('hooks/c.yaml:2')[0]!,
      /^there is no field "nmae" \(did you mean name\?\); there are id, /,
    );
    assert.match(about('hooks/c.yaml:5')[0]!, /^there is no field "timezone" \(did you mean timeZone\?\)/);
    assert.match(about('hooks/c.yaml:6')[0]!, /^every must be a duration such as .*, and is "soon"$/);
    assert.match(
      about('hooks/c.yaml:7')[0]!,
      /^overlapPolicy must be one of .*\(did you mean SKIP\?\), and is "SKIPP"$/,
    );
    assert.match(about('hooks/c.yaml:8')[0]!, /^the variable NOT_SET is not set/);
    assert.match(about('hooks/d.json:1')[0]!, /^it has no id/);
    assert.match(
      about('hooks/d.json:2')[0]!,
      /^a webhook must be a mapping of fields to values, and is "text"$/,
    );
    assert.equal(about('hooks/e.yaml:2').length + about('hooks/e.yaml:1').length > 0, true);
    assert.equal(lines.at(-1), 'carillon: nothing was changed');
    await assert.rejects(get('fine'));
  });

  it('refuses what is declared twice, by id or by name and destination, naming both places', async () => {
    const hook = (id: string, name: string) => `id: ${id}\nname: ${name}\ndestination: ${DESTINATION}\n`;
    const { code, err } = await yes({
      'hooks/a.yaml': `${hook('one', 'x')}---\n${hook('one', 'y')}`,
      'hooks/b.yaml': hook('two', 'x'),
    });
    assert.equal(code, 2);
    assert.equal(
      err,
      'hooks/a.yaml:5: the id one is declared at hooks/a.yaml:1 already\n' +
        'hooks/b.yaml:2: this name with this destination is declared at hooks/a.yaml:2 already\n' +
        'carillon: nothing was changed\n',
    );
  });

  it('prunes what it owns and is declared no more, and only when asked', async () => {
    const hook = (id: string) => `id: ${id}\nname: ${id}\ndestination: ${DESTINATION}\n`;
    const both = { 'hooks/a.yaml': hook('kept'), 'hooks/b.yaml': hook('gone') };
    const one = { 'hooks/a.yaml': both['hooks/a.yaml'] };
    await yes({ 'hooks/o.yaml': hook('of-nobody') });
    await yes({ 'hooks/o.yaml': hook('of-others') }, '--owner', 'others');
    assert.equal((await yes(both, '--owner', 'shop')).code, 0);
    assert.equal((await get('kept')).labels['carillon.dev/applied-by'], 'shop');
    const left = await yes(one, '--owner', 'shop');
    assert.deepEqual([left.code, left.out], [0, 'declared no more, and left (--prune removes them): gone\n']);
    assert.equal((await run({ files: one }, '--owner', 'shop', '--dry-run', '--exit-code')).code, 0);
    await get('gone');
    const pruned = await yes(one, '--owner', 'shop', '--prune');
    assert.equal(pruned.out, `- gone  gone, ${DESTINATION}\n1 to remove, 1 unchanged\nremoved gone\n`);
    await assert.rejects(get('gone'));
    for (const id of ['kept', 'of-nobody', 'of-others']) await get(id);
    assert.deepEqual(await yes(one, '--owner', 'shop', '--prune'), { code: 0, out: '', err: '' });
  });

  it('takes no webhook from another set, unless it is told to', async () => {
    const files = { 'hooks/a.yaml': `id: theirs\nname: theirs\ndestination: ${DESTINATION}\n` };
    await yes(files, '--owner', 'them');
    const refused = await yes(files, '--owner', 'us');
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /^hooks\/a\.yaml:1: theirs is of the set "them"; --take-over makes it one of this set\n/,
    );
    // Without a set the label stays, and nothing differs.
    assert.deepEqual(await yes(files), { code: 0, out: '', err: '' });
    const taken = await yes(files, '--owner', 'us', '--take-over');
    assert.match(taken.out, /labels\["carillon\.dev\/applied-by"\]: them → us/);
    const label = { 'hooks/a.yaml': `${files['hooks/a.yaml']}labels: { carillon.dev/applied-by: us }\n` };
    assert.match(
      (await yes(label)).err,
      /^hooks\/a\.yaml:4: the label carillon\.dev\/applied-by is set by --owner/,
    );
  });

  it('changes and removes nothing that somebody else has changed since it was shown, and goes on with the others', async () => {
    const hook = (id: string, timeout: string) =>
      `id: ${id}\nname: ${id}\ndestination: ${DESTINATION}\ntimeout: ${timeout}\n`;
    const files = (timeout: string) => ({
      'hooks/a.yaml': hook('race-a', timeout),
      'hooks/b.yaml': hook('race-b', timeout),
    });
    await yes({ ...files('15s'), 'hooks/c.yaml': hook('race-c', '15s') }, '--owner', 'race');
    const ask = async () => {
      for (const id of ['race-a', 'race-c']) {
        await api().webhooks.update({
          webhook: { id, filter: '', timeout: { seconds: 7n } },
          updateMask: { paths: ['timeout'] },
        });
      }
      return 'y';
    };
    const given = { files: files('20s'), interactive: true, ask };
    const { code, out, err } = await run(given, '--owner', 'race', '--prune');
    assert.equal(code, 1);
    assert.match(out, /\nchanged race-b\n$/);
    assert.match(
      err,
      /^not changed: race-a: .*does not have the etag .* \(ABORTED\)\nnot removed: race-c: .* \(ABORTED\)\n$/,
    );
    const timeouts = await Promise.all(
      ['race-a', 'race-b', 'race-c'].map(async (id) => (await get(id)).timeout?.seconds),
    );
    assert.deepEqual(timeouts, [7n, 20n, 7n]);
  });

  it('gives a webhook another id when the old one goes, and passes names on from one to the next', async () => {
    const hook = (id: string, name: string) => `id: ${id}\nname: ${name}\ndestination: ${DESTINATION}\n`;
    await yes({ 'hooks/a.yaml': hook('old-id', 'renamed') }, '--owner', 'rename');
    const files = { 'hooks/a.yaml': hook('new-id', 'renamed') };
    const without = await yes(files, '--owner', 'rename');
    assert.equal(without.code, 2);
    assert.match(
      without.err,
      /^hooks\/a\.yaml:2: name: webhook old-id has the name .* --prune removes it first\n/,
    );
    const done = await yes(files, '--owner', 'rename', '--prune');
    assert.match(done.out, /1 to create, 1 to remove, 0 unchanged\nremoved old-id\ncreated new-id\n$/);

    await yes({ 'hooks/a.yaml': hook('p', 'one'), 'hooks/b.yaml': hook('q', 'two') });
    const chain = await yes({ 'hooks/a.yaml': hook('p', 'two'), 'hooks/b.yaml': hook('q', 'three') });
    assert.match(chain.out, /changed q\nchanged p\n$/);
    const circle = await yes({ 'hooks/a.yaml': hook('p', 'three'), 'hooks/b.yaml': hook('q', 'two') });
    assert.equal(circle.code, 2);
    assert.match(circle.err, /the two wait for each other: give one of them another name/);
  });

  it('refuses to make nothing of everything', async () => {
    const files = { 'hooks/a.yaml': '# nothing yet\n' };
    const { code, err } = await yes(files, '--owner', 'shop', '--prune');
    assert.deepEqual([code, err], [2, 'carillon: the files declare no webhook\n']);
    assert.match((await yes({ 'hooks/a.txt': '' })).err, /the folder "hooks\/" has no file that ends in/);
    assert.match((await yes({})).err, /"hooks\/" cannot be read: there is no such file/);
  });

  it('says for programs what it did', async () => {
    const files = { 'hooks/a.yaml': `id: told\nname: told\ndestination: ${DESTINATION}\n` };
    const { changes, unchanged } = JSON.parse((await yes(files, '--json')).out);
    assert.deepEqual([changes.length, unchanged], [1, []]);
    const [{ action, id, file, line, done, secret }] = changes;
    assert.deepEqual(
      [action, id, file, line, done, secret],
      ['create', 'told', 'hooks/a.yaml', 1, true, undefined],
    );
    assert.deepEqual(JSON.parse((await yes(files, '--json')).out), {
      changes: [],
      unchanged: ['told'],
      leftOver: [],
    });
  });

  it('says what is wrong with files also where no server answers', async () => {
    const { code, err } = await runCli(
      'http://127.0.0.1:9',
      ['apply', '-f', 'x.yaml', '--yes'],
      folderOf({ 'x.yaml': `id: a\n---\nid: b\nnmae: c\n` }),
    );
    assert.equal(code, 1);
    assert.match(err, /^x\.yaml:4: there is no field "nmae"/);
    assert.match(err, /^carillon: no server answers at http:\/\/127\.0\.0\.1:9/m);
  });
});
