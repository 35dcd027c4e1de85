import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { isPlainIdn } from '../../../src/domain/webhook/idn.ts';

/** What becomes of the host in a URL: the form in which it is looked up, or undefined when it is refused. */
function taken(host: string): string | undefined {
  const hostname = URL.parse(`http://${host}/`)?.hostname;
  return hostname !== undefined && isPlainIdn(hostname) ? hostname : undefined;
}

// `npm run test:oldest` runs this on the oldest Node too, whose URL takes other hosts than the newest one's.
describe('a host that is not ASCII', () => {
  for (const [what, host, ascii] of [
    ['German', 'bücher.example', 'xn--bcher-kva.example'],
    ['Japanese', '例え.jp', 'xn--r8jz45g.jp'],
    ['Hebrew', 'ישראל.example', 'xn--4dbrk0ce.example'],
    ['Hebrew with digits', 'א1.example', 'xn--1-zhc.example'],
    ['Arabic', 'موقع.مصر', 'xn--4gbrim.xn--wgbh1c'],
    ['Arabic with a mark and its own digits', 'بَ٣.مصر', 'xn--ngb0fvc.xn--wgbh1c'],
    ['Persian with a joiner', 'نامه‌ای.com', 'xn--mgba3gch31f060k.com'],
    ['in a name of labels of either direction', 'shop.ישראל', 'shop.xn--4dbrk0ce'],
    ['a symbol', 'i❤.ws', 'xn--i-7iq.ws'],
  ] as const) {
    it(`is taken when it is ${what}, written so or in ASCII`, () => {
      assert.equal(taken(host), ascii);
      assert.equal(taken(ascii), ascii);
    });
  }

  for (const [what, host] of [
    ['xn-- is followed by nothing', 'xn--'],
    ['xn-- is followed by what does not decode', 'xn--a1.example'],
    ['xn-- is followed by plain ASCII', 'xn--abc-.example'],
    ['what follows xn-- is a second spelling of a name', 'xn---4dbrk0ce.example'],
    ['what decodes has xn-- in it', 'xn--xn--nxa-wpf.example'],
    ['a label is an Arabic digit', '0.٣'],
    ['a label is an Arabic digit, in ASCII', '0.xn--cib'],
    ['a label begins in one direction and ends in another', 'aא.example'],
    ['a label ends in another direction than it begins', 'אa.example'],
    ['a label begins with a digit and goes on in Hebrew', '1א.example'],
    ['a label has digits of two kinds', 'ب1٣.example'],
    ['a Hebrew label ends with a hyphen', 'א-.example'],
    ['a Hebrew label ends with a hyphen that carries a mark', 'א-ָ.example'],
  ] as const) {
    it(`is refused when ${what}`, () => {
      assert.equal(taken(host), undefined);
    });
  }

  it('is the same name whether it is written in its own script or in ASCII', () => {
    const piece = fc.constantFrom(...'a1-.éß例אב٣۳َ‍', 'xn--', 'bcher-kva', 'cib', '4dbrk0ce');
    const host = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(host, (text) => {
        const ascii = taken(text);
        if (ascii !== undefined) assert.equal(taken(domainToUnicode(ascii)), ascii);
      }),
      { numRuns: 2000 },
    );
  });
});
