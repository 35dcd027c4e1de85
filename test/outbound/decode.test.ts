import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Outcome, RESPONSE_KEPT_BYTES } from '../../src/domain/delivery/attempt.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

async function answerOf(coding: string, body: Buffer): Promise<Extract<Outcome, { kind: 'answered' }>> {
  await using receiver = await openReceiver();
  await using sender = aSender();
  receiver.answer(status(200, { headers: { 'content-encoding': coding }, body }));
  const outcome = await sender.send(aRequest(receiver.url));
  assert.ok(outcome.kind === 'answered', told(outcome));
  return outcome;
}

describe('the body of an answer that came compressed', () => {
  const TEXT = 'no such order: '.repeat(100);
  for (const [coding, body] of [
    ['gzip', gzipSync(TEXT)],
    ['X-GZip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
  ] as const) {
    it(`is kept as it was before that: ${coding}`, async () => {
      const outcome = await answerOf(coding, body);
      assert.deepEqual([Buffer.from(outcome.body).toString(), outcome.truncated], [TEXT, false]);
      assert.equal(outcome.headers['content-encoding'], coding);
    });
  }

  it('is kept as it came when it is not what it says, or in a coding that is not known', async () => {
    for (const coding of ['gzip', 'br', 'deflate', 'zstd', 'compress', 'gzip, gzip']) {
      const body = Buffer.from('hello, this is plain');
      assert.deepEqual(Buffer.from((await answerOf(coding, body)).body), body, coding);
    }
  });

  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    it(`is kept up to 16 KiB however big it becomes: ${coding}`, async () => {
      const outcome = await answerOf(coding, pack(Buffer.alloc(64 * 1024 * 1024)));
      assert.deepEqual([outcome.body.length, outcome.truncated], [RESPONSE_KEPT_BYTES, true]);
      assert.equal(outcome.body.buffer.byteLength, RESPONSE_KEPT_BYTES);
    });
  }

  it('shows its beginning when it was longer than what is kept', async () => {
    // Digits that do not compress well, so that the packed body is cut.
    const text = Array.from({ length: 20_000 }, (_, i) => Math.sin(i)).join(' ');
    const outcome = await answerOf('gzip', gzipSync(text));
    assert.equal(Buffer.from(outcome.body).toString(), text.slice(0, RESPONSE_KEPT_BYTES));
    assert.equal(outcome.truncated, true);
  });
});
