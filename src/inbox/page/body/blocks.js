/** What one block holds at most, in characters: a browser lays out and shapes a block at once. */
const BLOCK_CHARS_MAX = 2_000;
/**
 * The same where the text is more than Latin letters: marks that stack on one letter and letters that join
 * take a time that grows with the square of their number, and a minute is soon reached.
 */
const JOINED_CHARS_MAX = 500;
const BLOCK_LINES_MAX = 50;
/** How far back a long line is searched for a place where it is better cut. */
const BACK_CHARS_MAX = 80;

const JOINED = /[\u0300-\uffff]/;
/** What belongs to the character before it: marks, joiners, variations, skin tones. */
const STICKING = /^(?:\p{M}|\p{Emoji_Modifier}|\u200c|\u200d)/u;

/**
 * Lines as blocks that are small enough to be laid out one by one, each when it is seen. A block is `parts`,
 * `[class, text]` with the line breaks in it, and `goesOn` where it begins within a line. All parts together
 * are the lines, character by character.
 */
export function* blocksOf(lines) {
  let block = emptyBlock(false);
  let first = true;
  for (const line of lines) {
    if (!first) {
      // The break ends its block: at its beginning it would make an empty line there.
      block.parts.push(['', '\n']);
      block.lines++;
      const full = block.lines >= BLOCK_LINES_MAX || block.chars >= roomOf(block);
      // A line that has room in one block is not cut in two.
      if (full || (block.chars > 0 && fitsInOne(line) && !fits(line, block))) {
        yield block;
        block = emptyBlock(false);
      }
    }
    first = false;
    for (const [className, text] of line) {
      let at = 0;
      while (at < text.length) {
        block.joined ||= JOINED.test(text.slice(at, at + BLOCK_CHARS_MAX));
        const room = roomOf(block) - block.chars;
        const end = room <= 0 ? at : cutAt(text, at, room);
        if (end > at) block.parts.push([className, text.slice(at, end)]);
        block.chars += end - at;
        at = end;
        if (at === text.length) break;
        yield block;
        block = emptyBlock(true);
      }
    }
  }
  if (block.parts.length > 0) yield block;
}

function fits(line, { chars, joined }) {
  const length = line.reduce((sum, [, text]) => sum + text.length, 0);
  const isJoined = joined || (length <= BLOCK_CHARS_MAX && line.some(([, text]) => JOINED.test(text)));
  return chars + length <= roomOf({ joined: isJoined });
}

const fitsInOne = (line) => fits(line, emptyBlock(false));

const emptyBlock = (goesOn) => ({ parts: [], goesOn, chars: 0, lines: 0, joined: false });

const roomOf = ({ joined }) => (joined ? JOINED_CHARS_MAX : BLOCK_CHARS_MAX);

/** Where to cut a text that has to be: after a space or a comma, or at least not within a character. */
function cutAt(text, at, room) {
  if (text.length - at <= room) return text.length;
  const limit = at + room;
  const from = Math.max(at, limit - BACK_CHARS_MAX);
  const space = /^.*[\s,;&]/s.exec(text.slice(from, limit));
  if (space !== null) return from + space[0].length;
  for (let end = limit; end > from; end--) {
    if (!isWithin(text, end)) return end;
  }
  // Nothing but marks: they have to be parted. Two halves of one character are not, though.
  return isLowHalf(text, limit) ? limit + 1 : limit;
}

const isWithin = (text, end) =>
  isLowHalf(text, end) || text[end - 1] === '\u200d' || STICKING.test(text.slice(end, end + 2));

const isLowHalf = (text, end) => /^[\udc00-\udfff]/.test(text[end]) && /^[\ud800-\udbff]/.test(text[end - 1]);
