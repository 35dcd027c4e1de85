/** A simple command, as the shell would run it. */
export interface SimpleCommand {
  readonly words: readonly string[];
  /** Files that its output goes to, other than /dev/null. */
  readonly outputs: readonly string[];
}

/** Why a command is more than a list of words. */
export class NotSimple extends Error {
  override readonly name = 'NotSimple';
}

/** Files from which nobody reads what was written. */
const NOWHERE = /^\/dev\/(?:null|stdout|stderr)$/;

/**
 * Takes a command apart as a POSIX shell does (Shell Command Language, 2.2 and 2.3): quotes of both kinds, escapes,
 * comments, redirections, and the variables of the crontab. Raises NotSimple for whatever needs a shell to know:
 * pipes, lists, substitutions and variables that nobody has set.
 */
export function parseCommand(text: string, env: ReadonlyMap<string, string>): SimpleCommand {
  const words: string[] = [];
  const outputs: string[] = [];
  /** The word that is being read; undefined between words. */
  let word: string | undefined;
  /** Whether the next word is where output goes. */
  let redirects = false;
  let at = 0;

  const end = (): void => {
    if (word === undefined) return;
    if (!redirects) words.push(word);
    else if (!NOWHERE.test(word)) outputs.push(word);
    redirects = false;
    word = undefined;
  };
  const redirect = (found: string): void => {
    // A number right before it is the file descriptor.
    if (word !== undefined && /^\d$/.test(word)) word = undefined;
    end();
    at += found.length;
    // `2>&1` names no file.
    redirects = !/&[\d-]$/.test(found);
  };

  while (at < text.length) {
    const rest = text.slice(at);
    const character = rest[0]!;
    if (character === ' ' || character === '\t') {
      end();
      at++;
    } else if (character === '#' && word === undefined) {
      break;
    } else if (character === "'") {
      const close = rest.indexOf("'", 1);
      if (close < 0) throw new NotSimple("a ' is not closed");
      word = (word ?? '') + rest.slice(1, close);
      at += close + 1;
    } else if (character === '"') {
      const read = doubleQuoted(rest, env);
      word = (word ?? '') + read.text;
      at += read.length;
    } else if (character === '\\') {
      word = (word ?? '') + (rest[1] ?? '');
      at += 2;
    } else if (character === '$' || character === '`') {
      const read = expansion(rest, env);
      if (/\s/.test(read.text) && read.length > 1) {
        throw new NotSimple(`${rest.slice(0, read.length)} has a space in it, and stands outside quotes`);
      }
      word = (word ?? '') + read.text;
      at += read.length;
    } else if (/^(?:&>>?|>>?&?[\d-]?|>\|)/.test(rest)) {
      redirect(/^(?:&>>?|>\||>&[\d-]|>>|>&?)/.exec(rest)![0]);
    } else if (character in SHELL_ONLY) {
      const [operator = character] = /^(?:\|\||&&|;;|<<)/.exec(rest) ?? [];
      throw new NotSimple(`${operator} ${SHELL_ONLY[character]}`);
    } else {
      word = (word ?? '') + character;
      at++;
    }
  }
  end();
  if (redirects) throw new NotSimple('> names no file');
  return { words, outputs };
}

/** What a character outside quotes does that one request cannot. */
const SHELL_ONLY: Readonly<Record<string, string>> = {
  '|': 'joins it to another command',
  '&': 'outside quotes ends the command, in a URL too; put the URL in quotes if that is not meant',
  ';': 'joins it to another command',
  '<': 'reads a file at every run',
  '(': 'begins a sub-shell',
  ')': 'ends a sub-shell',
};

function doubleQuoted(rest: string, env: ReadonlyMap<string, string>): { text: string; length: number } {
  let text = '';
  let at = 1;
  while (at < rest.length) {
    const character = rest[at]!;
    if (character === '"') return { text, length: at + 1 };
    if (character === '\\') {
      const next = rest[at + 1] ?? '';
      text += /[$`"\\]/.test(next) ? next : `\\${next}`;
      at += 2;
    } else if (character === '$' || character === '`') {
      const read = expansion(rest.slice(at), env, true);
      text += read.text;
      at += read.length;
    } else {
      text += character;
      at++;
    }
  }
  throw new NotSimple('a " is not closed');
}

/** What stands for `$NAME` and its like, within double quotes or without. */
function expansion(
  rest: string,
  env: ReadonlyMap<string, string>,
  quoted = false,
): { text: string; length: number } {
  if (rest.startsWith('`') || rest.startsWith('$(')) {
    throw new NotSimple('it runs another command for a part of itself, at every run');
  }
  const [found, braced, bare] = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest) ?? [];
  if (found === undefined) {
    if ((quoted ? /^\$[{\d?!@*#$-]/ : /^\$[{'"\d?!@*#$-]/).test(rest)) {
      throw new NotSimple(`${rest.slice(0, 2)} means something that only a shell knows`);
    }
    return { text: '$', length: 1 };
  }
  const name = braced ?? bare!;
  const value = env.get(name);
  if (value === undefined) throw new NotSimple(`the crontab does not set the variable ${name}`);
  return { text: value, length: found.length };
}
