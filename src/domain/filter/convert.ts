import { type CelFunc, CelScalar, celFunc, isCelError, objectType } from '@bufbuild/cel';
import { create } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { isRealTime } from '../rfc3339.ts';

/**
 * Conversions of CEL. The library (0.6.1) hands texts to JavaScript, to which an empty one is 0 and 30 February is
 * 2 March, and reads the number of a timestamp as milliseconds. Here what is no number, time or duration is
 * an error, and a filter that fails does not match.
 */

/** The form of texts that can be converted, as strconv and time of Go have it, which cel-go uses. */
const FORMS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['int', (text) => /^[+-]?[0-9]+$/.test(text)],
  ['uint', (text) => /^[0-9]+$/.test(text)],
  ['double', isDouble],
  ['timestamp', isTimestamp],
  // The library takes no text at all for no time at all.
  ['duration', (text) => !/^[+-]?$/.test(text)],
]);

/** The times that a Timestamp can name, in seconds: the years 1 to 9999. */
const TIMESTAMP_MIN = -62_135_596_800n;
const TIMESTAMP_MAX = 253_402_300_799n;
/** What a Duration can be, in seconds, since its nanoseconds have to fit into 64 bits (langdef, "Abstract Types"). */
const DURATION_MAX = 9_223_372_036n;

const { INT, STRING } = CelScalar;

/** Conversions of numbers that are ours. */
export const conversions: readonly CelFunc[] = [
  celFunc('timestamp', [INT], objectType(TimestampSchema), (seconds) => {
    if (seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX) throw new Error('timestamp out of range');
    return create(TimestampSchema, { seconds });
  }),
  celFunc('duration', [INT], objectType(DurationSchema), (seconds) => {
    if (seconds < -DURATION_MAX || seconds > DURATION_MAX) throw new Error('duration out of range');
    return create(DurationSchema, { seconds });
  }),
];

/** The same function; a conversion of text looks at its form first. */
export function strict(func: CelFunc): CelFunc {
  const { name, target, arguments: parameters } = func;
  const isOfForm = FORMS.get(name);
  if (isOfForm === undefined || target !== undefined || parameters[0] !== STRING) return func;
  return celFunc(name, parameters, func.result, (text: string) => {
    if (!isOfForm(text)) throw new Error(`${JSON.stringify(text.slice(0, 40))} is no ${name}`);
    const result = func.call(0, undefined, [spelledFor(text, name)])!;
    if (isCelError(result)) throw result;
    return result;
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** BigInt takes no plus, and Number no `inf`. */
function spelledFor(text: string, name: string): string {
  if (name === 'int') return text.replace(/^\+/, '');
  return name === 'double' ? text.replace(/(?:infinity|inf)$/i, 'Infinity') : text;
}

function isDouble(text: string): boolean {
  if (/^[+-]?(?:infinity|inf)$|^nan$/i.test(text)) return true;
  return (
    /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))
  );
}

function isTimestamp(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text) && isRealTime(text)
  );
}
