import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, isMessage, toBinary } from '@bufbuild/protobuf';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { takeIn, takeQuery } from '../../../src/rpc/transport/decode.ts';
import { wireOf } from '../../../src/rpc/transport/wire.ts';

const { publish: method, getEvent } = EventService.method;

function requestOf(contentType: string, url = 'http://x/', httpMethod = 'POST') {
  return {
    httpVersion: '1.1',
    url,
    method: httpMethod,
    header: new Headers({ 'content-type': contentType }),
    body: {},
    signal: new AbortController().signal,
  };
}

describe('The one message of a request', () => {
  it('keeps nothing else of the buffer that it came in, which may be large', async () => {
    const data = new Uint8Array(100).fill(7);
    const bytes = toBinary(
      method.input,
      create(method.input, { event: { type: 'a', data: { case: 'bytes', value: data } } }),
    );
    const socket = Buffer.alloc(64 * 1024);
    socket.set(bytes, 1000);
    const { message } = await takeIn({
      request: requestOf('application/proto'),
      method,
      wire: wireOf('application/proto')!,
      read: async () => socket.subarray(1000, 1000 + bytes.length),
      messageBytesMax: 1000,
    });
    assert.ok(isMessage(message, method.input));
    const { value } = message.event!.data;
    assert.ok(value instanceof Uint8Array && !(value instanceof Buffer));
    assert.deepEqual(value, data);
    assert.ok(value.buffer.byteLength < 200, `${value.buffer.byteLength} bytes are kept`);
  });

  it('is taken out of the query of a GET, which is left with an empty one', async () => {
    const query = `connect=v1&encoding=json&base64=1&message=${Buffer.from('{"id":"evt_1"}').toString('base64url')}`;
    const given = requestOf('', `http://x/y?${query}`, 'GET');
    const { request, message } = await takeQuery(given, getEvent, 1000);
    assert.ok(isMessage(message, getEvent.input));
    assert.equal(message.id, 'evt_1');
    assert.equal(request.url, 'http://x/y?connect=v1&encoding=json&message=%7B%7D');
  });
});
