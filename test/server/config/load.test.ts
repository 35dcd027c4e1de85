import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DomainError } from '../../../src/domain/error.ts';
import { type Config, type ConfigSources, loadConfig } from '../../../src/server/config/load.ts';
import { COMMANDS, type Command, SETTING_KEYS, settingNames } from '../../../src/server/config/settings.ts';
import { optionsHelp, settingsTable } from '../../../src/server/config/settings-help.ts';

interface Given {
  readonly command?: Command;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The content of files in the working folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
}

const CWD = '/srv/carillon';
const KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

function load({
  command = 'serve',
  argv = [],
  env = {},
  files = {},
  terminal = false,
}: Given): Promise<Config> {
  const readFile: ConfigSources['readFile'] = async (path) => {
    assert.ok(path.startsWith('/'), 'paths are made absolute');
    return files[path] ?? (path.startsWith(`${CWD}/`) ? files[path.slice(CWD.length + 1)] : undefined);
  };
  return loadConfig(command, { argv, env: { PATH: '/bin', ...env }, cwd: CWD, terminal, readFile });
}

async function refusal(given: Given): Promise<string> {
  const error: unknown = await load(given).then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof DomainError && error.code === 'INVALID', String(error));
  assert.doesNotMatch(error.message, /[\n\r]/, 'one line');
  return error.message;
}

describe('defaults', () => {
  test('dev is for this machine', async () => {
    const config = await load({ command: 'dev' });
    assert.equal(config.command, 'dev');
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8090 });
    assert.equal(config.inbox, true);
    assert.deepEqual(config.allowDestinations, ['127.0.0.0/8', '::1/128']);
    assert.equal(config.defaultEveryMs, 5000);
  });

  test('serve allows no destination that is not public and shows no inbox', async () => {
    const config = await load({ command: 'serve' });
    assert.equal(config.inbox, false);
    assert.deepEqual(config.allowDestinations, []);
    assert.equal(config.logFormat, 'json');
    assert.equal(config.secretsKey, undefined);
  });

  test('every setting has a key in the result of both commands', async () => {
    for (const command of COMMANDS) {
      const config = await load({ command });
      assert.deepEqual(Object.keys(config).sort(), [...SETTING_KEYS, 'command', 'pgEnvironment'].sort());
    }
  });

  test('the log of dev is pretty on a terminal and json elsewhere', async () => {
    assert.equal((await load({ command: 'dev', terminal: true })).logFormat, 'pretty');
    assert.equal((await load({ command: 'dev', terminal: false })).logFormat, 'json');
    assert.equal((await load({ command: 'serve', terminal: true })).logFormat, 'json');
  });
});

describe('precedence', () => {
  const file = { 'carillon.toml': 'log_level = "warn"\ndb = "file.db"\nretention = "1d"' };
  const env = { CARILLON_LOG_LEVEL: 'error', CARILLON_DB: 'env.db' };

  test('a flag wins over the environment, that over the file, that over the default', async () => {
    const config = await load({ argv: ['--log-level', 'debug'], env, files: file });
    assert.equal(config.logLevel, 'debug');
    assert.equal(config.db, 'env.db');
    assert.equal(config.retentionMs, 86_400_000);
    assert.equal(config.everyMinMs, 1000);
  });

  test('a flag given again wins over itself', async () => {
    assert.equal((await load({ argv: ['--db=a', '--db', 'b'] })).db, 'b');
  });

  test('variables of the commands that are clients are ignored', async () => {
    const env = { CARILLON_ADDRESS: 'http://127.0.0.1:8090' };
    assert.deepEqual(await load({ env }), await load({}));
  });

  test('the file is the one that --config names, then CARILLON_CONFIG', async () => {
    const files = { 'carillon.toml': 'db = "0"', 'one.toml': 'db = "1"', '/etc/two.toml': 'db = "2"' };
    assert.equal((await load({ files })).db, '0');
    assert.equal((await load({ files, argv: ['--config', 'one.toml'] })).db, '1');
    assert.equal((await load({ files, env: { CARILLON_CONFIG: '/etc/two.toml' } })).db, '2');
    assert.equal(
      (await load({ files, argv: ['--config=one.toml'], env: { CARILLON_CONFIG: '/etc/two.toml' } })).db,
      '1',
    );
  });
});

describe('what is accepted', () => {
  const accepted: readonly [string, Given, Partial<Config>][] = [
    ['a flag with =', { argv: ['--log-level=warn'] }, { logLevel: 'warn' }],
    ['a value that holds =', { argv: ['--db=a=b'] }, { db: 'a=b' }],
    ['a switch alone', { argv: ['--inbox', '--db', 'x'] }, { inbox: true, db: 'x' }],
    ['a switch with =', { command: 'dev', argv: ['--inbox=false'] }, { inbox: false }],
    ['a switch with a word', { command: 'dev', argv: ['--inbox', 'false'] }, { inbox: false }],
    ['a switch in TOML', { files: { 'carillon.toml': 'inbox = true' } }, { inbox: true }],
    ['an IPv6 address', { argv: ['--listen', '[::1]:80'] }, { listen: { host: '::1', port: 80 } }],
    ['a name', { argv: ['--listen', 'localhost:0'] }, { listen: { host: 'localhost', port: 0 } }],
    ['a number in TOML', { files: { 'carillon.toml': 'in_flight_max = 7' } }, { inFlightMax: 7 }],
    ['several units', { argv: ['--stop-timeout', '1m30s'] }, { stopTimeoutMs: 90_000 }],
    ['milliseconds', { argv: ['--every-min', '250ms'] }, { everyMinMs: 250 }],
    ['days', { argv: ['--retention', '30d'] }, { retentionMs: 2_592_000_000 }],
    ['a part of a unit', { argv: ['--stop-timeout', '1.5s'] }, { stopTimeoutMs: 1500 }],
    ['bytes with a unit', { argv: ['--message-bytes-max', '8MiB'] }, { messageBytesMax: 8_388_608 }],
    ['bytes of requests in work', { argv: ['--work-bytes-max', '32MiB'] }, { workBytesMax: 33_554_432 }],
    ['bytes without', { argv: ['--message-bytes-max', '65536'] }, { messageBytesMax: 65_536 }],
    [
      'a list with commas',
      { argv: ['--allow-destinations', '10.0.0.0/8, 192.168.1.7,fd00::/8'] },
      { allowDestinations: ['10.0.0.0/8', '192.168.1.7/32', 'fd00::/8'] },
    ],
    [
      'rules for destinations',
      { argv: ['--deny-destinations', '*.Example.com,*:25,[fd00::/8]:443,10.0.0.7:80,localhost'] },
      { denyDestinations: ['*.example.com', '*:25', '[fd00::/8]:443', '10.0.0.7:80', 'localhost'] },
    ],
    [
      'a list of rules again',
      { argv: ['--only-destinations', 'a.example', '--only-destinations=b.example:8443'] },
      { onlyDestinations: ['a.example', 'b.example:8443'] },
    ],
    [
      'a list flag again',
      { argv: ['--allow-destinations', '10.0.0.0/8', '--allow-destinations=::1'] },
      { allowDestinations: ['10.0.0.0/8', '::1/128'] },
    ],
    [
      'an empty list, to take a default away',
      { command: 'dev', env: { CARILLON_ALLOW_DESTINATIONS: '' } },
      { allowDestinations: [] },
    ],
    [
      'an array in TOML',
      { files: { 'carillon.toml': 'cors_origins = ["https://a.example", "http://b.example:8080"]' } },
      { corsOrigins: ['https://a.example', 'http://b.example:8080'] },
    ],
    ['no gRPC port', { argv: ['--grpc-listen', 'off'] }, { grpcListen: 'off' }],
    ['a gRPC port', { env: { CARILLON_GRPC_LISTEN: '[::1]:0' } }, { grpcListen: { host: '::1', port: 0 } }],
    ['a day of ids', { argv: ['--idempotency-window', '1d'] }, { idempotencyWindowMs: 86_400_000 }],
    ['any origin', { argv: ['--cors-origins', '*'] }, { corsOrigins: ['*'] }],
    ['a database in memory', { argv: ['--db', ':memory:'] }, { db: ':memory:' }],
    ['a database with its scheme', { argv: ['--db', 'sqlite:/var/x.db'] }, { db: '/var/x.db' }],
    ['a drive', { argv: ['--db', 'C:\\data\\x.db'] }, { db: 'C:\\data\\x.db' }],
    [
      'a proxy',
      { argv: ['--egress-proxy', 'http://proxy.example:3128'] },
      { egressProxy: { host: 'proxy.example', port: 3128 } },
    ],
    [
      'a proxy with credentials',
      { env: { CARILLON_EGRESS_PROXY: 'http://joe:p%40ss%3Aword@[fd00::1]:3128/' } },
      { egressProxy: { host: 'fd00::1', port: 3128, authorization: `Basic ${btoa('joe:p@ss:word')}` } },
    ],
    [
      'a proxy with a user alone',
      { argv: ['--egress-proxy', 'HTTP://token@10.0.0.1:80'] },
      { egressProxy: { host: '10.0.0.1', port: 80, authorization: `Basic ${btoa('token:')}` } },
    ],
    ['a key', { env: { CARILLON_SECRETS_KEY: KEY } }, { secretsKey: KEY }],
    ['comments and nothing else in TOML', { files: { 'carillon.toml': '# nothing\n' } }, {}],
  ];
  for (const [what, given, expected] of accepted) {
    test(`${what}`, async () => {
      const config = await load(given);
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(config[key as keyof Config], value);
    });
  }
});

describe('what is refused, and how', () => {
  const refused: readonly [string, Given, string][] = [
    [
      'an unknown flag near a known one',
      { argv: ['--lisen', 'x'] },
      '"--lisen" is not an option (did you mean --listen?); see carillon serve --help',
    ],
    [
      'an unknown flag near none',
      { argv: ['--frobnicate=secret'] },
      '"--frobnicate" is not an option; see carillon serve --help',
    ],
    ['a short flag', { argv: ['-x'] }, '"-x" is not an option; see carillon serve --help'],
    [
      'an argument that is no flag',
      { argv: ['now'] },
      'unexpected "now"; serve takes options only, see carillon serve --help',
    ],
    [
      'a flag spelled as in the file',
      { argv: ['--log_level', 'debug'] },
      '"--log_level" is not an option (did you mean --log-level?); see carillon serve --help',
    ],
    [
      'a flag without its value',
      { argv: ['--db'] },
      '--db needs a value: the path of a SQLite file, or :memory:',
    ],
    [
      'a flag whose value is a flag',
      { argv: ['--db', '--inbox'] },
      '--db needs a value: the path of a SQLite file, or :memory:',
    ],
    [
      'an unknown variable near a known one',
      { env: { CARILLON_LISTENN: 'x' } },
      '"CARILLON_LISTENN" in the environment is not a setting (did you mean CARILLON_LISTEN?); unset it or correct it',
    ],
    [
      'an unknown variable near none',
      { env: { CARILLON_XYZ: 'x' } },
      '"CARILLON_XYZ" in the environment is not a setting; unset it or correct it',
    ],
    [
      'an unknown key',
      { files: { 'carillon.toml': 'logLevel = "debug"' } },
      'carillon.toml: "logLevel" is not a setting (did you mean log_level?)',
    ],
    [
      'a table',
      { files: { 'carillon.toml': '[server]\ndb = "x"' } },
      'carillon.toml: "server" is not a setting',
    ],
    [
      'a key of the wrong type',
      { files: { 'carillon.toml': 'listen = ["127.0.0.1:1"]' } },
      'carillon.toml: listen has the wrong type; give a host and a port from 0 (any free one) to 65535, such as 127.0.0.1:8090, 0.0.0.0:80 or [::1]:8090',
    ],
    [
      'a list of the wrong type',
      { files: { 'carillon.toml': 'cors_origins = [1]' } },
      'carillon.toml: cors_origins has the wrong type; give an origin without a path, such as https://app.example.com, or * for any; several with commas between them, at most 256',
    ],
    [
      'no TOML',
      { files: { 'carillon.toml': 'db = "x"\nsecrets_key = hunter2\n' } },
      'carillon.toml:2:15: not valid TOML: invalid value',
    ],
    [
      'a named file that is not there',
      { argv: ['--config', 'none.toml'] },
      '--config: there is no file "none.toml"; give the path of a TOML file',
    ],
    [
      'a value that is not allowed, from a flag',
      { argv: ['--log-level', 'loud'] },
      '--log-level: "loud" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'the same from the environment',
      { env: { CARILLON_LOG_LEVEL: '' } },
      'CARILLON_LOG_LEVEL: "" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'the same from the file',
      { files: { 'carillon.toml': 'log_level = "loud"' } },
      'carillon.toml: log_level: "loud" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'the same from a named file',
      { files: { 'x.toml': 'log_level = "loud"' }, argv: ['--config', 'x.toml'] },
      'x.toml: log_level: "loud" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'a bad value even where a flag would win',
      { argv: ['--log-level', 'info'], env: { CARILLON_LOG_LEVEL: 'loud' } },
      'CARILLON_LOG_LEVEL: "loud" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'a value with line breaks',
      { env: { CARILLON_LOG_LEVEL: 'a\nb' } },
      'CARILLON_LOG_LEVEL: "a\\nb" is not allowed; give one of debug, info, warn, error, silent',
    ],
    [
      'a secret, without repeating it',
      { env: { CARILLON_SECRETS_KEY: 'hunter2' } },
      'CARILLON_SECRETS_KEY: its value is not allowed; give 32 bytes in base64 or hex, such as `openssl rand -base64 32` prints; several with commas between them, each once, of which the first seals',
    ],
    [
      'a proxy, without repeating its password',
      { argv: ['--egress-proxy', 'http://carillon:hunter2@proxy.example'] },
      '--egress-proxy: its value is not allowed; give http://host:port or http://user:password@host:port, with what has a meaning in URLs percent-encoded',
    ],
    [
      'both a key and a key file',
      { env: { CARILLON_SECRETS_KEY: KEY }, argv: ['--secrets-key-file', 'k'] },
      'secrets-key and secrets-key-file are both set; give only one of them',
    ],
    [
      'a database of each kind',
      { env: { CARILLON_STORE: 'postgres://h/x' }, argv: ['--db', 'x.db'] },
      'db and store are both set; give only one of them',
    ],
    [
      'a PostgreSQL, without repeating its password',
      { argv: ['--store', 'postgres://carillon:hunter2@'] },
      '--store: its value is not allowed; give a URL such as postgres://user:password@host:5432/database?schema=carillon, with what has a meaning in URLs percent-encoded',
    ],
    [
      'a password for a database of which there is none',
      { argv: ['--store-password-file', 'p'] },
      'store-password-file is set without store; give that too',
    ],
    [
      'a default period below the shortest',
      { argv: ['--every-min', '10s'] },
      'default-every (5s) is shorter than every-min (10s); raise the one or lower the other',
    ],
  ];
  for (const [what, given, message] of refused) {
    test(`${what}`, async () => assert.equal(await refusal(given), message));
  }

  test('a value is repeated in part when it is long', async () => {
    const message = await refusal({ argv: ['--log-level', 'x'.repeat(10_000)] });
    assert.ok(message.length < 200, message);
  });

  test('a file that cannot be read', async () => {
    const readFile = () => Promise.reject(new Error("EACCES: permission denied, open '/x'"));
    await assert.rejects(loadConfig('serve', { argv: [], env: {}, cwd: '/', terminal: false, readFile }), {
      message: "carillon.toml: cannot be read: EACCES: permission denied, open '/x'",
    });
  });

  const bad: Readonly<Record<string, readonly string[]>> = {
    '--listen': [
      '8090',
      ':8090',
      'x:',
      'x:65536',
      'x:-1',
      '::1:80',
      '[x]:80',
      '[127.0.0.1]:80',
      '300.0.0.1:80',
      '1.2:80',
      'a b:80',
      'http://x:80',
    ],
    '--grpc-listen': ['on', 'OFF', '8091', ''],
    '--waiting-max': ['0', '1e9', '1000000001'],
    '--db': ['', 'postgres://localhost/x', 'mysql:x', 'a\0b'],
    '--inbox': ['=yes', '=1', '='],
    '--in-flight-max': ['0', '-1', '65536', '1.5', '1e3', 'many', ' 1'],
    '--every-min': ['1', '1 s', '99ms', '25h', '-1s', 's', '1S', '1m30'],
    '--message-bytes-max': ['65535', '65MiB', '1MB', '1 MiB', '-1'],
    '--allow-destinations': [
      '10.0.0.0/33',
      '10.0.0',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      'fe80::1%eth0',
      '::/129',
      '10.0.0.0/8,,',
      '10.0.0.0/8:0',
      'fd00::/8:443:x',
      '[fd00::/8',
      'hooks.example:65536',
      'hooks..example',
      'hooks.*.example',
      '*.',
      'http://hooks.example',
      'hooks.example/path',
    ],
    '--deny-destinations': ['10.0.0', '-a.example', 'a b'],
    '--only-destinations': ['*.*', ':443', '300.0.0.1'],
    '--cors-origins': [
      'example.com',
      'https://a.example/',
      'ftp://a.example',
      'https://u@a.example',
      'null',
      'https://',
    ],
    '--egress-proxy': [
      '',
      'proxy.example:3128',
      'http://proxy.example',
      'http://proxy.example:0',
      'http://proxy.example:3128/path',
      'https://proxy.example:3128',
      'socks5://proxy.example:1080',
      'http://@proxy.example:3128',
      'http://:password@proxy.example:3128',
      'http://user:%zz@proxy.example:3128',
      'http://user:a%0d%0ab@proxy.example:3128',
      'http://us%3aer:password@proxy.example:3128',
      'http://a@b@proxy.example:3128',
    ],
    '--store': ['', 'carillon.db', 'mysql://h/x', 'postgres:', 'postgres://a b/x', 'postgres://u:p@[/x'],
    '--secrets-key': ['', ',', 'c2hvcnQ=', KEY.slice(4), `${KEY}${KEY}`, `${KEY},c2hvcnQ=`, `${KEY},${KEY}`],
  };
  for (const [flag, values] of Object.entries(bad)) {
    for (const value of values) {
      test(`${flag} ${JSON.stringify(value)}`, async () => {
        const argv = value.startsWith('=') ? [flag + value] : [flag, value];
        assert.match(await refusal({ argv }), new RegExp(`^${flag}: .* is not allowed; give `));
      });
    }
  }

  test('a list that is too long', async () => {
    const argv = ['--allow-destinations', Array.from({ length: 257 }, () => '::1').join(',')];
    assert.match(await refusal({ argv }), /at most 256/);
  });
});

describe('the table', () => {
  test('names a setting alike everywhere', () => {
    assert.deepEqual(settingNames('originInFlightMax'), {
      flag: '--origin-in-flight-max',
      env: 'CARILLON_ORIGIN_IN_FLIGHT_MAX',
      toml: 'origin_in_flight_max',
    });
    assert.equal(settingNames('stopTimeoutMs').flag, '--stop-timeout');
  });

  test('is all in the help of each command, within a hundred columns', () => {
    for (const command of COMMANDS) {
      const help = optionsHelp(command);
      for (const key of SETTING_KEYS)
        assert.match(help, new RegExp(`^  ${settingNames(key).flag}[ [\\n]`, 'm'));
      for (const line of help.split('\n')) assert.ok(line.length <= 100, line);
    }
    assert.match(
      optionsHelp('dev'),
      /--allow-destinations <destination,…>\n.*\(default\s+127\.0\.0\.0\/8,::1\/128\)/,
    );
    assert.match(optionsHelp('serve'), /--allow-destinations <destination,…>\n.*\(default none\)/);
  });

  test('is a row of Markdown for each setting', () => {
    const rows = settingsTable().trimEnd().split('\n');
    assert.equal(rows.length, SETTING_KEYS.length + 2);
    for (const row of rows) assert.equal(row.replaceAll('\\|', '').split('|').length, 6, row);
    const row = rows.find((row) => row.includes('--stop-timeout'));
    assert.match(row ?? '', /`CARILLON_STOP_TIMEOUT`<br>`stop_timeout` \| `3s` \| `20s` \|/);
    // A key that began with Ck_ would be none.
    assert.match(settingsTable(), / Give ck_ and 40 to 128 letters/);
  });
});
