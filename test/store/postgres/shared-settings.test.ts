import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import { connect, type Session } from '../../../src/store/postgres/connection/driver.ts';
import { agree, agreeAgain } from '../../../src/store/postgres/shared-settings.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';

/** A schema on which several servers begin to work, each by a session of its own. */
async function aSchema(t: { after(step: () => Promise<void>): void }) {
  const url = await aSchemaUrl();
  await (await openStore(url)).close();
  const place = { schema: new URL(url).searchParams.get('schema')!, shown: 'the database' };
  return {
    place,
    async server(values: Readonly<Record<string, string>>, { force = false } = {}) {
      const session = await connect({ connectionString: await postgresUrl() });
      t.after(session.close);
      const said: string[] = [];
      const warn = (sentence: string): void => void said.push(sentence);
      const shared = { values: new Map(Object.entries(values)), force };
      return {
        session,
        said,
        begin: () => agree(session, place, shared, warn),
        comeBack: (again: Session) => agreeAgain(again, place, shared, warn),
      };
    },
  };
}

const OURS = { retention: '30d', 'default-every': '5s' };

describe('settings that decide what rows mean', () => {
  test('are those of the first server, and others begin with the same', async (t) => {
    const { server } = await aSchema(t);
    const [one, two] = [await server(OURS), await server({ ...OURS })];
    await one.begin();
    await two.begin();
    assert.deepEqual([...one.said, ...two.said], []);
  });

  test('that differ from those of a server at work are refused by name, and nothing is changed', async (t) => {
    const { server } = await aSchema(t);
    await (await server(OURS)).begin();
    const other = await server({ retention: '7d', 'default-every': '' });
    await assert.rejects(other.begin(), {
      code: 'FAILED_PRECONDITION',
      message:
        'the database is in use with other settings: retention is 30d there and 7d here; default-every is 5s there and ' +
        'nothing here; start with the same, or once with --force-settings to make these the ones of the store, and ' +
        'start the other servers with them, too',
    });
    await (await server(OURS)).begin();
  });

  test('can be forced, and become those of the store', async (t) => {
    const { server } = await aSchema(t);
    const [one, two] = [await server(OURS), await server({ ...OURS, retention: '7d' }, { force: true })];
    await one.begin();
    await two.begin();
    assert.match(two.said.join(), /^settings of the store have changed: retention is 30d there and 7d here$/);
    await assert.rejects((await server(OURS)).begin(), { message: /retention is 7d there and 30d here/ });
    // The first hears of it when it has lost its session.
    const again = await server(OURS);
    await one.comeBack(again.session);
    assert.match(
      one.said.join(),
      /^settings of the store were changed by another server: retention is 7d there and 30d/,
    );
  });

  test('may be others where nobody else is at work', async (t) => {
    const { server } = await aSchema(t);
    const one = await server(OURS);
    await one.begin();
    await one.session.close();
    const two = await server({ ...OURS, retention: '7d' });
    await two.begin();
    assert.equal(two.said.length, 1);
    await assert.rejects((await server(OURS)).begin(), { message: /retention is 7d there and 30d here/ });
  });

  test('of a newer version, which no other server knows, are added', async (t) => {
    const { server } = await aSchema(t);
    await (await server(OURS)).begin();
    const newer = await server({ ...OURS, more: '1' });
    await newer.begin();
    assert.deepEqual(newer.said, []);
    await (await server(OURS)).begin();
    await assert.rejects((await server({ ...OURS, more: '2' })).begin(), {
      message: /more is 1 there and 2 here/,
    });
  });

  test('are not asked of whoever opens the store for something else', async (t) => {
    const url = await aSchemaUrl();
    const first = await openStore(url, { shared: { values: new Map([['retention', '1d']]), force: false } });
    await first.close();
    const store = await openStore(url);
    t.after(store.close);
  });
});
