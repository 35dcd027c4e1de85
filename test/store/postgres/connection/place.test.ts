import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PgEnvironment } from '../../../../src/store/postgres/connection/parameters.ts';
import { canBePlace, placeOf } from '../../../../src/store/postgres/connection/place.ts';

/** What the person reads who gave this URL. */
function refusal(url: string, env?: PgEnvironment): string {
  try {
    placeOf(url, env);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  return assert.fail(`${url} was taken`);
}

function hosts(url: string): string[] {
  return placeOf(url).hosts.map(({ host, port }) => `${host} ${port}`);
}

describe('the URL of a database', () => {
  test('names one host or several, each with its port', () => {
    const cases: [url: string, hosts: string[]][] = [
      ['postgres://u@db.example/x', ['db.example 5432']],
      ['postgresql://u@db.example:6543/x', ['db.example 6543']],
      ['postgres://u:p@one:1,two,[::1]:3/x', ['one 1', 'two 5432', '::1 3']],
      ['postgres://u@%2Fvar%2Frun%2Fpostgresql/x', ['/var/run/postgresql 5432']],
      ['postgres:///x?host=/run/postgresql', ['/run/postgresql 5432']],
      ['postgres://u@/x?host=one,two&port=7', ['one 7', 'two 7']],
      ['postgres://u@/x?host=one,two&port=7,8', ['one 7', 'two 8']],
    ];
    for (const [url, expected] of cases) {
      assert.ok(canBePlace(url), url);
      assert.deepEqual(hosts(url), expected, url);
    }
  });

  test('has its parts percent-encoded, and is shown without the password', () => {
    const place = placeOf('postgres://j%40ne:p%2F%3A%40ss@one,two:2/my%20shop?schema=x');
    assert.deepEqual([place.user, place.password, place.database], ['j@ne', 'p/:@ss', 'my shop']);
    assert.equal(place.shown, 'postgres://j%40ne@one,two:2/my%20shop');
    assert.equal(place.schema, 'x');
  });

  test('leaves to the variables of libpq what it does not say', () => {
    const env = {
      PGUSER: 'ann',
      PGSSLMODE: 'require',
      PGAPPNAME: 'shop',
      PGCONNECT_TIMEOUT: '3',
      PGTARGETSESSIONATTRS: '',
      PGHOST: 'elsewhere',
    };
    const { user, hosts, parameters } = placeOf('postgres://h/x?application_name=mine', env);
    assert.equal(user, 'ann');
    assert.equal(hosts[0]?.host, 'h');
    assert.equal(parameters.sslmode, 'require');
    assert.equal(parameters.application_name, 'mine');
    assert.equal(parameters.connect_timeout, 3);
    assert.equal(parameters.target_session_attrs, 'read-write');
  });

  test('has defaults for the rest', () => {
    const { parameters } = placeOf('postgres://u@h/x');
    assert.deepEqual(parameters, {
      schema: 'carillon',
      sslmode: 'prefer',
      sslrootcert: undefined,
      sslcert: undefined,
      sslkey: undefined,
      target_session_attrs: 'read-write',
      connect_timeout: 10,
      answer_timeout: 60,
      application_name: 'carillon',
      passfile: undefined,
      options: undefined,
      host: undefined,
      port: undefined,
    });
  });

  test('is refused with what is wrong, and never with the password', () => {
    const long = 'x'.repeat(64);
    const cases: [url: string, says: RegExp][] = [
      ['postgres://u:geheim@h', /^postgres:\/\/u@h\/ names no database; write one behind the host/],
      ['postgres://u:geheim@/x', /^the database has an address that cannot be read/],
      ['postgres://u:geheim@h:port/x', /^the database has an address that cannot be read/],
      ['postgres://u:ge#heim@h/x', /^the database has an address that cannot be read/],
      ['postgres://u:ge/heim@h/x', /^the database has an address that cannot be read/],
      ['postgres://u:ge?heim@h/x', /^the database has an address that cannot be read/],
      ['postgres://u:%zzgeheim@h/x', /^the database has an address that cannot be read/],
      ['postgres://u@h:70000/x', /has the port "70000"; give one from 1 to 65535$/],
      ['postgres://u@h:0/x', /has the port "0"; give one from 1 to 65535$/],
      ['postgres://u@h/x?host=other', /names hosts twice; leave out the parameter host$/],
      ['postgres://u@/x?host=a,b,c&port=1,2', /another number of ports than of hosts/],
      [`postgres://u@${'h,'.repeat(16)}h/x`, /names more than 16 hosts$/],
      ['postgres://u@h/x?sslmod=require', /cannot have a parameter sslmod \(did you mean sslmode\?\)$/],
      [
        'postgres://h/x?user=u&password=geheim',
        /cannot have a parameter user; write postgres:\/\/user:password@/,
      ],
      [
        'postgres://h/x?password=geheim',
        /cannot have a parameter password; write postgres:\/\/user:password@/,
      ],
      ['postgres://h/x?schema=a&schema=b', /has the parameter schema more than once/],
      ['postgres://h/x?schema=', /cannot have a schema ""; give one of 1 to 63 bytes/],
      [`postgres://h/x?schema=${long}`, /cannot have a schema "x{40}…"; give one of 1 to 63 bytes/],
      ['postgres://h/x?schema=information_schema', /cannot have a schema "information_schema"/],
      [
        'postgres://h/x?sslmode=on',
        /a sslmode "on"; give one of disable, allow, prefer, require, verify-ca, verify-full$/,
      ],
      ['postgres://h/x?target_session_attrs=standby', /give one of read-write, primary, any$/],
      ['postgres://h/x?connect_timeout=0', /a connect_timeout "0"; give whole seconds from 1 to 600$/],
      ['postgres://h/x?answer_timeout=1h', /an? answer_timeout "1h"; give whole seconds from 1 to 3600$/],
      [`postgres://h/x?application_name=${long}`, /give 1 to 63 printable ASCII characters$/],
      ['postgres://h/x?sslcert=a', /has sslcert without sslkey; give both or neither$/],
      ['postgres://h/x?sslkey=a', /has sslkey without sslcert; give both or neither$/],
      ['postgres://h/x?sslmode=verify-ca', /has sslmode=verify-ca without sslrootcert/],
      ['postgres://h/x?sslrootcert=system', /has sslrootcert=system with sslmode=prefer/],
    ];
    for (const [url, says] of cases) {
      const message = refusal(url);
      assert.match(message, says, url);
      assert.doesNotMatch(message, /heim|\n/, url);
    }
    assert.match(
      refusal('postgres://h/x', { PGSSLMODE: 'on' }),
      /cannot have PGSSLMODE "on"; give one of disable/,
    );
  });
});
