import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { charsetFault, decodeText, encodeText } from '../../../src/domain/event/charset.ts';
import { dataOf } from '../../../src/domain/event/data.ts';
import { present } from '../../../src/domain/event/present.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function encoded(text: string, mediaType: string): string {
  const result = encodeText(text, mediaType);
  return 'bytes' in result ? hex(result.bytes) : result.fault;
}

describe('text with a charset', () => {
  const cases: [mediaType: string, text: string, bytes: string][] = [
    ['text/plain', 'ü€', 'c3bce282ac'],
    ['text/plain; charset=utf-8', 'ü€', 'c3bce282ac'],
    ['text/plain; charset=UTF8', 'ü', 'c3bc'],
    ['text/plain; charset=us-ascii', 'u~', '757e'],
    ['text/plain; charset=ISO-8859-1', 'ü\u0080ÿ', 'fc80ff'],
    ['text/plain; format=flowed; charset="iso-8859-1"', 'ü', 'fc'],
    ['text/plain; charset=utf-16le', 'ü€😀', 'fc00ac203dd800de'],
    ['text/plain; charset=utf-16be', 'ü€😀', '00fc20acd83dde00'],
    ['text/plain; charset=utf-16be', '\ufeffa', 'feff0061'],
    ['application/x; a="; charset=utf-16le"; charset=latin1', 'ü', 'fc'],
  ];
  for (const [mediaType, text, bytes] of cases) {
    it(`becomes the bytes of ${mediaType}, and text again`, () => {
      assert.equal(encoded(text, mediaType), bytes);
      assert.equal(decodeText(Buffer.from(bytes, 'hex'), mediaType), text);
    });
  }

  it('is refused where its charset has no such character, which is named', () => {
    assert.equal(
      encoded('5 €', 'text/plain; charset=iso-8859-1'),
      'has the character € (U+20AC), which iso-8859-1 has not: use charset=utf-8',
    );
    assert.match(
      encoded('😀', 'text/plain; charset=us-ascii'),
      /^has the character 😀 \(U\+1F600\), which us-ascii/,
    );
    assert.match(encoded('\u0080', 'text/plain; charset=us-ascii'), /U\+0080/);
  });

  it('is no text where the bytes are none in its charset', () => {
    for (const [mediaType, bytes] of [
      ['text/plain; charset=us-ascii', 'ff'],
      ['text/plain; charset=utf-16le', '3d'],
      ['text/plain; charset=utf-16le', '3dd8'],
      ['text/plain; charset=utf-8', 'fc'],
      ['text/plain; charset=koi8-r', '61'],
    ] as const) {
      assert.equal(decodeText(Buffer.from(bytes, 'hex'), mediaType), undefined, mediaType);
    }
  });

  it('stands in an envelope as what it says', () => {
    const contentType = 'text/plain; charset=iso-8859-1';
    const body = Uint8Array.of(0x47, 0xfc);
    assert.deepEqual(dataOf({ contentType, body }), { kind: 'text', text: 'Gü' });
    const event = { id: 'evt_1', type: 'a', time: 0, contentType, body, headers: {}, createdAt: 0 };
    assert.match(Buffer.from(present(event, 'ENVELOPE').body).toString(), /"data":"Gü"\}$/);
  });
});

describe('the charset of a media type', () => {
  it('may be left out, or be one that is known, in any case', () => {
    for (const good of [
      'text/plain',
      'text/plain; charset=Us-Ascii',
      'application/json; charset="UTF-8"',
      'a/b; x=y',
    ]) {
      assert.equal(charsetFault(good), undefined, good);
    }
  });

  it('is refused by name where it is another', () => {
    for (const name of ['windows-1252', 'utf-16', 'shift_jis', 'iso-8859-15', '']) {
      const fault = charsetFault(`text/plain; charset="${name}"`);
      assert.match(
        fault ?? '',
        new RegExp(`^names the charset "${name}", which is not known: use utf-8, us-ascii`),
      );
    }
  });

  it('is UTF-8 for JSON, and nothing else', () => {
    for (const name of ['us-ascii', 'iso-8859-1', 'utf-16le']) {
      assert.match(charsetFault(`application/json; charset=${name}`) ?? '', /but JSON is UTF-8/);
    }
  });
});
