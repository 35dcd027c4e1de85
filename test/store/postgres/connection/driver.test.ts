import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, messageOf, type Session } from '../../../../src/store/postgres/connection/driver.ts';
import { postgresUrl } from '../../../support/postgres.ts';

describe('a session with PostgreSQL', () => {
  test('says of statements that follow one that failed why that failed', async (t) => {
    const session = await connect({ connectionString: await postgresUrl() });
    t.after(session.close);
    for (const [sql, why] of [
      ['SELECT 1/0', 'division by zero'],
      ["SELECT 'x'::integer", 'invalid input syntax for type integer: "x"'],
    ] as const) {
      const sent = [
        session.exec('BEGIN'),
        session.exec(sql),
        session.exec('SELECT 1'),
        session.exec('SELECT 2'),
      ];
      const [, ...failed] = await Promise.allSettled(sent);
      await session.exec('ROLLBACK');
      const reasons = failed.map((each) => each.status === 'rejected' && messageOf(each.reason));
      assert.deepEqual(reasons, [why, why, why]);
    }
  });

  test('that is given up is lost, and says so once', async () => {
    const session = await connect({ connectionString: await postgresUrl() });
    let told = 0;
    session.onLost(() => told++);
    session.abandon();
    session.abandon();
    assert.equal(session.isLost(), true);
    await assert.rejects(session.exec('SELECT 1'));
    assert.equal(told, 1);
  });

  test('has the server look whether its machine is still there, unless it is told otherwise', async (t) => {
    const connectionString = await postgresUrl();
    const session = await connect({ connectionString });
    const told = await connect({
      connectionString,
      options: '-c tcp_keepalives_idle=77 -c tcp_user_timeout=99s',
    });
    t.after(() => Promise.all([session.close(), told.close()]));
    const settings = async ({ query }: Session) =>
      (
        await query(
          `SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
            current_setting('tcp_keepalives_count'), current_setting('tcp_user_timeout')`,
          undefined,
          [],
        )
      ).rows;
    // Other systems have no time after which what is not acknowledged ends a connection.
    const user = (ms: string) => (process.platform === 'linux' ? ms : '0');
    assert.deepEqual(await settings(session), [['10', '5', '3', user('25000')]]);
    assert.deepEqual(await settings(told), [['77', '5', '3', user('99000')]]);
  });
});
