import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { World } from '../../../../src/cli/world.ts';
import { runCli } from '../../../support/cli.ts';
import { folderOf } from '../../../support/folder.ts';
import { sharedApi } from '../../../support/rpc.ts';

const HOST = 'http://127.0.0.1:9999';
const VIENNA = 'CRON_TZ=Europe/Vienna\n';

describe('carillon import-crontab', () => {
  const api = sharedApi();
  const run = (
    text: string,
    argv: readonly string[],
    given: Partial<Pick<World, 'timeZone' | 'ask' | 'interactive'>> = {},
  ) =>
    runCli(api().url, ['import-crontab', 'tab.txt', ...argv], { ...folderOf({ 'tab.txt': text }), ...given });

  it('registers a webhook for each line, and answers with its next runs', async () => {
    const text = `${VIENNA}30 2 * * * curl -fsS -m 10 -d nightly=1 ${HOST}/nightly > /dev/null 2>&1\n@hourly curl -m 5 --json '{"a": 1}' ${HOST}/hourly\n`;
    const { code, out, err } = await run(text, ['--yes', '--show-secrets']);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^\+ 127-0-0-1-nightly {2}tab\.txt:2\n/);
    assert.match(out, /^created 127-0-0-1-nightly, with the secret whsec_\S+ \(shown this once\)$/m);
    assert.match(
      out,
      /^127-0-0-1-nightly rings next at 2026-01-0\d 02:30, 2026-01-0\d 02:30, 2026-01-0\d 02:30 \(Europe\/Vienna\)$/m,
    );
    assert.match(out, /^127-0-0-1-hourly rings next at (\S+ \d\d:00(, )?){3} \(Europe\/Vienna\)$/m);
    const { webhook } = await api().webhooks.get({ id: '127-0-0-1-nightly' });
    assert.equal(webhook?.destination, `${HOST}/nightly`);
    assert.deepEqual(webhook?.schedule?.when, { case: 'cron', value: '30 2 * * *' });
    assert.deepEqual(webhook?.payload?.body, { case: 'text', value: 'nightly=1' });

    const again = await run(text, ['--yes']);
    assert.deepEqual([again.code, again.err], [0, '']);
    assert.match(again.out, /^127-0-0-1-nightly rings next at .*\n127-0-0-1-hourly rings next at .*\n$/);
  });

  it('says what it does not take, with line and reason, and takes the rest', async () => {
    const text = `${VIENNA}* * * * * /usr/bin/backup\n* * * * * root curl -d x ${HOST}/u\n* * * * * curl -k ${HOST}/k\n99 * * * * curl -m1 -d x ${HOST}/time\n0 * * * * curl -m 600 -d x ${HOST}/slow\n0 5 * * * curl -m 9 ${HOST}/rest\n`;
    const { code, out, err } = await run(text, ['--yes']);
    assert.equal(code, 1);
    assert.match(err, /^tab\.txt:2: not imported: it runs "\/usr\/bin\/backup", and not curl$/m);
    assert.match(
      err,
      /^tab\.txt:3: not imported: it runs "root", and not curl; if that is a user, give --system$/m,
    );
    assert.match(err, /^tab\.txt:4: not imported: -k: Carillon checks certificates;/m);
    assert.match(err, /^tab\.txt:5: not imported: schedule\.cron: /m);
    assert.match(err, /^tab\.txt:6: not imported: timeout: /m);
    assert.match(err, /^tab\.txt:7: it is a GET, and becomes a POST/m);
    assert.match(out, /^created 127-0-0-1-rest$/m);
    assert.match(out, /^1 to create, 0 unchanged$/m);
  });

  it('reads times in the zone of the line, of the option, or of the machine, which it says', async () => {
    const line = (path: string) => `0 5 * * * curl -m 5 -d x ${HOST}/${path}\n`;
    const text = `${line('zone-a')}${VIENNA}${line('zone-b')}`;
    const zones = async (...argv: string[]) => {
      const { out, err } = await run(text, ['--dry-run', '--json', ...argv], { timeZone: 'Asia/Tokyo' });
      const { webhooks } = JSON.parse(out);
      const zone = (each: { differences: { field: string; after: string }[] }) =>
        each.differences.find(({ field }) => field === 'schedule.timeZone')?.after;
      return [webhooks.map(zone), err, webhooks[1].nextRunTimes.length];
    };
    assert.deepEqual(await zones('--time-zone', 'America/New_York'), [
      ['America/New_York', 'Europe/Vienna'],
      '',
      3,
    ]);
    const [found, err] = await zones();
    assert.deepEqual(found, ['Asia/Tokyo', 'Europe/Vienna']);
    assert.equal(
      err,
      'carillon: times are read in Asia/Tokyo, the time zone of this machine; --time-zone names another\n',
    );
  });

  it('prints files that apply takes for the same, and asks no server', async () => {
    const text = `TOKEN=example\n${VIENNA}0 5 * * * curl -H "Authorization: Bearer $TOKEN" -d 'a=\${b}' ${HOST}/file\n* * * * * /bin/true\n`;
    const folder = folderOf({ 'tab.txt': text });
    const printed = await runCli('http://127.0.0.1:9', ['import-crontab', 'tab.txt', '-o', 'yaml'], folder);
    assert.equal(printed.code, 1);
    assert.match(printed.err, /^carillon: without -m curl waits for as long as it takes/);
    assert.match(printed.err, /^tab\.txt:4: not imported: it runs "\/bin\/true"/m);
    assert.match(printed.out, /^# tab\.txt, line 3\n\nid: 127-0-0-1-file\n/);
    folder.files.set('x.yaml', printed.out);
    const applied = await runCli(api().url, ['apply', '-f', 'x.yaml', '--yes'], folder);
    assert.equal(applied.code, 0);
    const { webhook } = await api().webhooks.get({ id: '127-0-0-1-file' });
    assert.deepEqual(webhook?.payload?.body.value, `a=$\{b}`);
    const same = await run(text.replace(/.*true\n/, ''), ['--yes']);
    assert.match(same.out, /^127-0-0-1-file rings next/);
    const json = await runCli(
      'http://127.0.0.1:9',
      ['import-crontab', 'tab.txt', '--output', 'json'],
      folder,
    );
    assert.equal(JSON.parse(json.out)[0].id, '127-0-0-1-file');
  });

  it('asks before it registers, and reads a crontab of the system', async () => {
    const text = `${VIENNA}0 5 * * * www-data curl -m 5 -d x ${HOST}/asked\n`;
    const no = await run(text, ['--system'], { interactive: true, ask: async () => 'n' });
    assert.deepEqual([no.code, no.err], [1, 'carillon: nothing was changed\n']);
    await assert.rejects(api().webhooks.get({ id: '127-0-0-1-asked' }));
    const done = await run(text, ['--system'], { interactive: true, ask: async () => 'yes' });
    assert.equal(done.code, 0);
    assert.match((await run(text, ['--system'])).err, /nobody can be asked without a terminal/);
  });
});
