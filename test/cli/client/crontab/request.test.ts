import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NotImportable } from '../../../../src/cli/client/crontab/curl.ts';
import { curlRequest } from '../../../../src/cli/client/crontab/request.ts';
import { parseCommand } from '../../../../src/cli/client/crontab/shell.ts';

const URL_ = 'https://example.com/x';
const read = (line: string, input?: string) => curlRequest(parseCommand(line, new Map()).words, input);
const FORM = 'application/x-www-form-urlencoded';

describe('a line of curl', () => {
  for (const [line, payload] of [
    [`-X POST ${URL_}`, { text: '' }],
    [`-d a=b ${URL_}`, { text: 'a=b', contentType: FORM }],
    [`-d a=b --data c=d -dx ${URL_}`, { text: 'a=b&c=d&x', contentType: FORM }],
    [
      `--data-raw @x --data-urlencode 'q=a b&c' --data-urlencode '=é' --data-urlencode 'p q' ${URL_}`,
      { text: '@x&q=a%20b%26c&%C3%A9&p%20q', contentType: FORM },
    ],
    [`-H 'Content-Type: text/x' --data-binary 'a b' ${URL_}`, { text: 'a b', contentType: 'text/x' }],
    [`--json '{"a":' --json '1}' ${URL_}`, { text: '{"a":1}', contentType: 'application/json' }],
  ] as const) {
    it(`has a body and its type: ${line}`, () => {
      assert.deepEqual(read(line).webhook.payload, payload);
    });
  }

  it('reads from standard input what stands behind the % of the crontab', () => {
    assert.deepEqual(read(`-d @- ${URL_}`, 'a\nb\n').webhook.payload, { text: 'ab', contentType: FORM });
    assert.deepEqual(read(`--data-binary @- ${URL_}`, 'a\nb\n').webhook.payload, {
      text: 'a\nb\n',
      contentType: FORM,
    });
  });

  it('has headers, in which curl says more than it is told', () => {
    const { webhook, warnings } = read(
      `-X POST -H 'X-One: 1' -H 'X-Empty;' -H 'Accept:' -H 'User-Agent: me' -H 'Content-Length: 3' -e https://from -b a=b -b 'c=d' -u 'me:pw' ${URL_}`,
    );
    assert.deepEqual(webhook.headers, {
      'X-One': '1',
      'X-Empty': '',
      referer: 'https://from',
      cookie: 'a=b; c=d',
      authorization: `Basic ${Buffer.from('me:pw').toString('base64')}`,
    });
    assert.deepEqual(warnings.length, 2);
    assert.deepEqual(read(`--json 1 ${URL_}`).webhook.headers, { accept: 'application/json' });
    assert.deepEqual(read(`-d x --oauth2-bearer t ${URL_}`).webhook.headers, { authorization: 'Bearer t' });
  });

  it('moves the name and the password of its URL into a header, with a warning', () => {
    const { destination, webhook, warnings } = read('-d x https://me:p%40ss@example.com/a?b=c@d#top');
    assert.equal(destination, 'https://example.com/a?b=c@d');
    assert.deepEqual(webhook.headers, {
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
    assert.match(warnings.join(), /its password becomes a secret header/);
  });

  it('has a URL as curl takes it', () => {
    assert.equal(read('-d x example.com:8080/a').destination, 'http://example.com:8080/a');
    assert.equal(read("-d x -g 'http://a/{b}[1]'").destination, 'http://a/{b}[1]');
    assert.equal(read('-d x http://[::1]:80/a').destination, 'http://[::1]:80/a');
    assert.equal(read('-d x --url http://a/').destination, 'http://a/');
    assert.equal(read('-d x -- http://a/').destination, 'http://a/');
  });

  it('bounds an attempt and tries again as curl does', () => {
    assert.deepEqual(read(`-d x -m 2.5 --retry 3 ${URL_}`).webhook, {
      payload: { text: 'x', contentType: FORM },
      timeout: '2.5s',
      retryPolicy: { maxAttempts: 4, delays: ['1s', '2s', '4s'], clientErrors: 'CLIENT_ERRORS_FAIL' },
    });
    const many = read(`-d x --max-time 5 --retry 40 --retry-delay 7 --retry-all-errors ${URL_}`);
    assert.deepEqual(many.webhook.retryPolicy, { maxAttempts: 41, delays: ['7s'] });
    const backoff = read(`-d x --retry 40 ${URL_}`).webhook.retryPolicy as { delays: string[] };
    assert.deepEqual([backoff.delays.length, backoff.delays.at(-1)], [32, '600s']);
    assert.deepEqual(read(`-d x --retry 0 ${URL_}`).webhook.retryPolicy, {
      maxAttempts: 1,
      clientErrors: 'CLIENT_ERRORS_FAIL',
    });
    assert.equal(read(`-d x ${URL_}`).hasTimeout, false);
  });

  for (const line of [`${URL_}`, `-X GET ${URL_}`, `-X get -d x ${URL_}`, `-I ${URL_}`]) {
    it(`becomes a POST, with a warning, when it is a GET: ${line}`, () => {
      assert.match(read(line).warnings.join(), /^it is a (GET|HEAD), and becomes a POST/);
    });
  }

  it('takes options that say nothing about the request, joined or not', () => {
    const { warnings, webhook } = read(
      `-fsSvi -o /dev/null -w '%{http_code}' --compressed -sXPOST -m10 ${URL_}`,
    );
    assert.deepEqual([warnings, webhook.timeout], [[], '10s']);
  });

  it('says what it leaves out', () => {
    const { warnings } = read(`-sSL -A me -o /tmp/x --connect-timeout 3 -d x ${URL_}`);
    assert.deepEqual(warnings, [
      '-L is left out: Carillon does not follow redirects: give the URL that they end at',
      '-A is left out: Carillon says who it is itself',
      '--connect-timeout is left out: the time for all of an attempt counts, see timeout',
      'what is answered is not written to "/tmp/x"; Carillon keeps it with each attempt',
    ]);
  });

  for (const [line, reason] of [
    [`-k -d x ${URL_}`, /^-k: Carillon checks certificates; register it without, and give --tls-ca-bundle/],
    [`-X PUT -d x ${URL_}`, /its method is "PUT", and Carillon POSTs/],
    [`-X DELETE ${URL_}`, /"DELETE"/],
    [`-G -d x ${URL_}`, /-G puts the data into the URL/],
    [`-F a=b ${URL_}`, /^-F: it sends a form in parts/],
    [`-T file ${URL_}`, /^-T: /],
    [`-d @file ${URL_}`, /--data "@file" reads a file at every run/],
    [`-d @- ${URL_}`, /reads a file at every run/],
    [`-H @file ${URL_}`, /-H "@file" reads a file/],
    [`-b jar ${URL_}`, /-b reads cookies from a file/],
    [`--data-urlencode a@b ${URL_}`, /reads a file/],
    [`--magic ${URL_}`, /"--magic" is an option of curl that is not known here/],
    [`-sM ${URL_}`, /"-M" is an option/],
    [`-m ten ${URL_}`, /--max-time "ten" is no number of seconds/],
    [`--retry x ${URL_}`, /--retry "x" is no number/],
    [`-d x ${URL_} -m`, /-m needs a value/],
    ['-d x', /curl is given no URL/],
    ['-d x http://a/ http://b/', /several URLs/],
    ["-d x 'http://a/[1-3]'", /make curl ask several/],
    ['-d x ftp://a/', /has the scheme ftp/],
    ["-d x 'http://a b'", /is no URL/],
  ] as const) {
    it(`is refused, with the reason: ${line}`, () => {
      assert.throws(
        () => read(line),
        (error) => error instanceof NotImportable && reason.test(error.message),
      );
    });
  }
});
