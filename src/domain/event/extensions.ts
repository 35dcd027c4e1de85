import type { FieldViolation } from '../error.ts';
import { quote } from '../text.ts';
import { HEADERS_TOTAL_BYTES_MAX } from './header-rules.ts';
import { headerText } from './header-text.ts';

/** Extension attributes of CloudEvents 1.0: what an event says of itself beyond the attributes that have names. */
export type Extensions = Readonly<Record<string, string>>;

export const EXTENSIONS_MAX = 16;
/** CloudEvents 1.0.2, "Naming conventions": longer ones should not be. */
const NAME_LENGTH_MAX = 20;

/** Attributes that have a place of their own, and members of the JSON format. */
export const ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'time', 'subject'],
  ...['datacontenttype', 'dataschema', 'data'],
]);

/** The rules that extension attributes break. `field` is their path, as `event.extensions`. */
export function extensionViolations(extensions: Extensions, field: string): FieldViolation[] {
  const violations: FieldViolation[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(extensions)) {
    const description = nameFault(name) ?? textFault(value);
    if (description !== undefined) {
      violations.push({ field: `${field}[${quote(name, NAME_LENGTH_MAX + 1)}]`, description });
    } else total += CLOUDEVENTS_HEADER_PREFIX.length + name.length + headerText(value).length + 4;
  }
  if (total > HEADERS_TOTAL_BYTES_MAX) {
    violations.push({
      field,
      description: `has ${total} bytes when it is written as headers: give at most ${HEADERS_TOTAL_BYTES_MAX}`,
    });
  }
  return violations;
}

/** What the headers of attributes begin with (HTTP protocol binding, 3.1.3). */
export const CLOUDEVENTS_HEADER_PREFIX = 'ce-';

/** What a string of CloudEvents 1.0.2 cannot hold ("Type System"). */
export const NO_TEXT = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function nameFault(name: string): string | undefined {
  if (!new RegExp(`^[a-z0-9]{1,${NAME_LENGTH_MAX}}$`).test(name)) {
    return `has a name that is not 1 to ${NAME_LENGTH_MAX} lower-case letters and digits (CloudEvents 1.0)`;
  }
  if (!ATTRIBUTES.has(name)) return undefined;
  return 'has the name of an attribute that is no extension of CloudEvents: use its own field, or another name';
}

function textFault(value: string): string | undefined {
  if (value === '') return 'is empty: give it a value, or leave it out';
  return NO_TEXT.test(value)
    ? 'has characters that are for control or stand for nothing: remove them'
    : undefined;
}
