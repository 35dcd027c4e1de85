import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLine } from '../../src/telemetry/json-line.ts';

test('a line has its level, its time, its fields and its message, in this order', () => {
  const line = jsonLine(
    'info',
    { rpc: 'EventService/Publish', durationMs: 1.5, none: undefined },
    'done: "ok"\n',
  );
  assert.match(line, /^\{"level":"info","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",/);
  assert.equal(
    line.slice(line.indexOf(',"rpc"')),
    ',"rpc":"EventService/Publish","durationMs":1.5,"msg":"done: \\"ok\\"\\n"}\n',
  );
});

test('a line without fields has its message', () => {
  assert.match(jsonLine('warn', {}, 'stopping'), /Z","msg":"stopping"\}\n$/);
});

test('an error is told with its type, its message, its stack and what caused it', () => {
  const error = new TypeError('no such thing', { cause: new Error('no disk') });
  const { err } = JSON.parse(jsonLine('error', { err: error }, 'failed'));
  assert.equal(err.type, 'TypeError');
  assert.equal(err.message, 'no such thing: no disk');
  assert.match(err.stack, /json-line\.test\.ts.*caused by: Error: no disk/s);
});

test('an error that no JSON can hold is told in words', () => {
  const error = Object.assign(new Error('strange'), { itself: {} });
  error.itself = { error, size: 1n };
  const { err, msg } = JSON.parse(jsonLine('error', { err: error }, 'failed'));
  assert.deepEqual([err, msg], ['Error: strange', 'failed']);
});

test('a line is not lost for a field that no JSON can hold', () => {
  const circle: Record<string, unknown> = {};
  circle.itself = circle;
  const bare = Object.assign(Object.create(null), { circle });
  const fields = { keyId: 'k', size: 1n, circle, bare, err: new Error('strange') };
  const { time: _, ...line } = JSON.parse(jsonLine('error', fields, 'failed'));
  assert.deepEqual(line, {
    level: 'error',
    keyId: 'k',
    size: '1',
    circle: '[object Object]',
    bare: 'object',
    err: 'Error: strange',
    msg: 'failed',
  });
  for (const err of [undefined, null, 'text', Object.create(null), 1n, Symbol('s')]) {
    assert.equal(JSON.parse(jsonLine('error', { err }, 'failed')).msg, 'failed');
  }
});
