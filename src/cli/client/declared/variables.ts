import { quote } from '../../../domain/text.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A text with the variables of the environment in place of their names. */
export interface Substituted {
  readonly text: string;
  /** What was put in, by name: what must not be repeated to anybody. */
  readonly used: ReadonlyMap<string, string>;
  /** What is wrong with it; empty when nothing is. */
  readonly faults: readonly string[];
}

/** `$${`, `${NAME}`, `${NAME:-otherwise}`, or a `${` that is none of them. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

/**
 * Puts variables of the environment where `${NAME}` stands. `${NAME:-otherwise}` stands for another text
 * where the variable is not set or is empty, as in a shell; `$${` stands for `${` itself.
 */
export function substitute(text: string, env: Env): Substituted {
  const used = new Map<string, string>();
  const faults: string[] = [];
  const replaced = text.replaceAll(
    REFERENCE,
    (found, name: string | undefined, otherwise: string | undefined) => {
      if (found === '$${') return '${';
      if (name === undefined) {
        faults.push(
          `${quote(text)} has a \${ that names no variable; write \${NAME} or \${NAME:-otherwise}, and $\${ for \${ itself`,
        );
        return found;
      }
      const value = env[name];
      if (value === undefined && otherwise === undefined) {
        faults.push(
          `the variable ${name} is not set; set it in the environment, or write \${${name}:-otherwise}`,
        );
        return found;
      }
      if (otherwise !== undefined && !value) return otherwise;
      used.set(name, value!);
      return value!;
    },
  );
  return { text: replaced, used, faults };
}

/** A text as a file must have it, so that nothing in it is taken for a variable. */
export function withoutReferences(text: string): string {
  // By a function, since `$$` means something else in a replacement.
  return text.replaceAll('${', () => '$${');
}

/** The shortest value that can be told from other text. */
const SECRET_LENGTH_MIN = 4;

/** A message without the values of variables, which may be secrets: their names stand in their place. */
export function redact(message: string, used: ReadonlyMap<string, string>): string {
  let text = message;
  // The longest first, since one can be a part of another.
  for (const [name, value] of [...used].toSorted(([, a], [, b]) => b.length - a.length)) {
    if (value.length < SECRET_LENGTH_MIN) continue;
    text = text.replaceAll(value, () => `\${${name}}`);
    const beginning = cutOff(value, text);
    if (beginning !== undefined) text = text.replaceAll(`${beginning}…`, () => `\${${name}}…`);
  }
  return text;
}

/** The longest beginning of a value that stands in a message which cuts it off; undefined when there is none. */
function cutOff(value: string, message: string): string | undefined {
  for (let length = value.length - 1; length >= SECRET_LENGTH_MIN; length--) {
    const beginning = value.slice(0, length);
    if (message.includes(`${beginning}…`)) return beginning;
  }
  return undefined;
}
