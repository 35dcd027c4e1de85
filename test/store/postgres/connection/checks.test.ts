import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkServer } from '../../../../src/store/postgres/connection/checks.ts';

const SHOWN = { shown: 'postgres://u@h/x' };
const GOOD = { number: '180004', version: '18.4', encoding: 'UTF8', fsync: 'on', fullPages: 'on' };

/** A server with these settings, and as many standbys that no commit waits for. */
function server(settings: Partial<typeof GOOD> = {}, standbys = 0) {
  const { number, version, encoding, fsync, fullPages } = { ...GOOD, ...settings };
  return {
    query: async (text: string) =>
      text.includes('pg_stat_replication')
        ? { rows: [], count: standbys }
        : { rows: [[number, version, encoding, fsync, fullPages]], count: 1 },
  };
}

async function warnings(of: ReturnType<typeof server>): Promise<string[]> {
  const said: string[] = [];
  await checkServer(of, SHOWN, (sentence) => said.push(sentence));
  return said;
}

describe('a server of PostgreSQL', () => {
  test('that keeps what it is given is taken without a word', async () => {
    assert.deepEqual(await warnings(server()), []);
    assert.deepEqual(await warnings(server({ number: '150000', version: '15.0' })), []);
  });

  test('is refused where it is too old, keeps texts in another encoding, or does not write to the disk', async () => {
    const cases: [settings: Partial<typeof GOOD>, says: string][] = [
      [
        { number: '140012', version: '14.12 (Debian 14.12-1)' },
        'is PostgreSQL 14.12 (Debian 14.12-1); use 15 or later',
      ],
      [{ encoding: 'LATIN1' }, "keeps its texts in LATIN1; make a database with ENCODING 'UTF8'"],
      [{ fsync: 'off' }, 'runs with fsync = off, and would lose what was accepted; set it to on'],
    ];
    for (const [settings, says] of cases) {
      await assert.rejects(warnings(server(settings)), { message: `${SHOWN.shown} ${says}` });
    }
  });

  test('gets a warning where a crash can damage it, and where a standby can take over that lacks something', async () => {
    assert.match(
      (await warnings(server({ fullPages: 'off' }))).join(),
      /full_page_writes = off: a crash can damage it/,
    );
    assert.match(
      (await warnings(server({}, 1))).join(),
      /has a standby that is not waited for \(synchronous_standby_names is empty\): if it takes over/,
    );
  });
});
