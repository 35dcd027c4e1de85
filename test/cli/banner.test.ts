import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BannerFacts, banner, baseUrl, wantsColour } from '../../src/cli/banner.ts';

const FACTS: BannerFacts = {
  version: '1.2.3',
  address: { host: '127.0.0.1', port: 8090 },
  grpcAddress: { host: '0.0.0.0', port: 8091 },
  config: {
    db: 'carillon.db',
    store: undefined,
    pgEnvironment: {},
    inbox: true,
    defaultEveryMs: 5000,
    tlsCert: undefined,
  },
  cwd: '/home/joe/demo',
  zoneRules: '2026a',
  colour: false,
};

describe('the banner', () => {
  test('says where everything is and how to register', () => {
    assert.equal(
      banner(FACTS),
      `
  Carillon 1.2.3

    API    http://127.0.0.1:8090
    gRPC   127.0.0.1:8091
    Inbox  http://127.0.0.1:8090/inbox/hello
    Data   /home/joe/demo/carillon.db
    Zones  time zone rules 2026a

  Register a webhook that rings every 5s:

    curl --request POST --url http://127.0.0.1:8090/webhooks \\
      --header 'content-type: application/json' \\
      --data '{"name":"hello","destination":"http://127.0.0.1:8090/inbox/hello"}'

  Then open the inbox in a browser. Ctrl-C stops the server.

`,
    );
  });

  test('names no inbox where there is none', () => {
    const text = banner({ ...FACTS, config: { ...FACTS.config, inbox: false } });
    assert.doesNotMatch(text, /inbox/i);
    assert.match(text, /"destination":"https:\/\/example\.com\/hook"/);
  });

  test('names no port of native gRPC where there is none', () => {
    const { grpcAddress: _, ...facts } = FACTS;
    assert.doesNotMatch(banner(facts), /gRPC/);
  });

  test('says that data in memory is lost', () => {
    const text = banner({ ...FACTS, config: { ...FACTS.config, db: ':memory:' } });
    assert.match(text, /Data {3}in memory, gone when this stops\n/);
  });

  test('with colours is the same text', () => {
    const text = banner({ ...FACTS, colour: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is.
    assert.equal(text.replace(/\u001b\[\d+m/g, ''), banner(FACTS));
    assert.notEqual(text, banner(FACTS));
  });
});

describe('the address of a server', () => {
  for (const [host, url] of [
    ['127.0.0.1', 'http://127.0.0.1:80'],
    ['0.0.0.0', 'http://127.0.0.1:80'],
    ['::', 'http://[::1]:80'],
    ['fd00::1', 'http://[fd00::1]:80'],
    ['localhost', 'http://localhost:80'],
  ] as const) {
    test(`on ${host} is ${url}, and https with TLS`, () => {
      assert.equal(baseUrl({ host, port: 80 }, { tlsCert: undefined }), url);
      assert.equal(baseUrl({ host, port: 80 }, { tlsCert: 'cert.pem' }), url.replace('http', 'https'));
    });
  }
});

describe('colours', () => {
  for (const [what, terminal, env, wanted] of [
    ['on a terminal', true, { TERM: 'xterm' }, true],
    ['not in a file', false, { TERM: 'xterm' }, false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['all the same with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, false],
  ] as const) {
    test(what, () => assert.equal(wantsColour(terminal, env), wanted));
  }
});
