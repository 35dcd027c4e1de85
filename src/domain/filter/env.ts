import {
  type CelFunc,
  type CelList,
  type CelMap,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celMethod,
  isCelError,
  isCelList,
  isCelMap,
  listType,
  mapType,
  objectType,
} from '@bufbuild/cel';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { CHARACTERS_PER_STEP, COMPARISONS_PER_STEP, createMeter } from '../meter.ts';
import { isTimeZone, offsetAt } from '../schedule/zone.ts';
import { conversions, strict } from './convert.ts';
import { keyedMap } from './map.ts';
import { compileRegex, forgetStates } from './regex.ts';

/** The functions of CEL, with a meter: each takes as many steps as it has work to do, and there are only so many. */

/** The steps that one evaluation may take. The costliest such evaluation blocks everyone else for tens of milliseconds. */
const FILTER_STEPS_MAX = 50_000;

/** Functions that only the expansion of macros calls; no name in a filter can begin with `@`. */
export const TICK = '@tick';
export const RANGE = '@range';
export const APPEND = '@append';
/** And this one what is written as a map. */
export const MAP = '@map';

/** Characters or bytes that functions go through in a step, where it is not the usual number. */
const SLOW: Readonly<Record<string, number>> = {
  int: 1,
  uint: 1,
  double: 1,
  timestamp: 1,
  duration: 1,
  size: 4,
};
/** What finding a time zone's offset takes. */
const ZONE_STEPS = 20;

const { BOOL, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
const ANY_MAP = mapType(DYN, DYN);
const TIMESTAMP = objectType(TimestampSchema);

const meter = createMeter(FILTER_STEPS_MAX);
const { charge } = meter;

/**
 * Evaluates with `FILTER_STEPS_MAX` steps to take, of which `steps` are taken to begin with. Raises an error
 * when they were not enough, even if the result did not depend on what failed for it.
 */
export function metered<T>(steps: number, evaluate: () => T): T {
  meter.start(steps);
  // An error of CEL is a value, and may be made at every element of a list; nobody reads its stack.
  const traced = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const result = evaluate();
    charge(0);
    return result;
  } finally {
    Error.stackTraceLimit = traced;
    forgetStates();
  }
}

// ── The functions ──────────────────────────────────────────────────────────────────────────────────

const standard = [...celEnv().funcs];
const standardEquals = standard.find(({ name }) => name === '_==_')!;

/** Equality goes as deep as its operands, which can hold the same value in many places. */
function equal(a: CelValue, b: CelValue): boolean {
  if (isCelList(a)) {
    charge(1);
    if (!isCelList(b) || a.size !== b.size) return false;
    for (let i = 0; i < a.size; i++) if (!equal(a.get(i)!, b.get(i)!)) return false;
    return true;
  }
  if (isCelMap(a)) {
    charge(1);
    if (!isCelMap(b) || a.size !== b.size) return false;
    for (const [key, value] of a) {
      const other = b.get(key);
      if (other === undefined || !equal(value, other)) return false;
    }
    return true;
  }
  charge(1 + lengthOf(a) / CHARACTERS_PER_STEP);
  return standardEquals.call(0, undefined, [a, b]) === true;
}

function isIn(value: CelValue, list: CelList): boolean {
  for (const element of list) if (equal(element, value)) return true;
  return false;
}

function isKey(key: Parameters<CelMap['has']>[0], map: CelMap): boolean {
  charge(1 + lengthOf(key) / CHARACTERS_PER_STEP);
  return map.has(key);
}

/** The order of two texts by their code points: UTF-16 has those that it needs two units for in the midst of the others. */
function order(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  charge(1 + length / CHARACTERS_PER_STEP);
  for (let i = 0; i < length; i++) {
    const difference = rankOf(a.charCodeAt(i)) - rankOf(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Lists made by `map` and `filter`, which grow in place: nothing else can see one before it is whole. */
const growing = new WeakMap<CelList, CelValue[]>();

function append(list: CelList, added: CelList): CelList {
  const elements = growing.get(list);
  if (elements !== undefined) {
    elements.push(...added);
    return list;
  }
  const first = [...list, ...added];
  const grown = celList(first);
  growing.set(grown, first);
  return grown;
}

/** The standard one keeps its operands, and `map` can double a list at every step with it. */
function concatenate(a: CelList, b: CelList): CelValue[] {
  charge(1 + a.size + b.size);
  return [...a, ...b];
}

function matches(this: string, pattern: string): boolean {
  return compileRegex(pattern).test(this, charge);
}

function contains(this: string, wanted: string): boolean {
  const read = (this.length + wanted.length) / CHARACTERS_PER_STEP;
  charge(1 + Math.max(read, (this.length * wanted.length) / COMPARISONS_PER_STEP));
  return this.includes(wanted);
}

/** The readings of a clock on the wall. The standard ones depend on the machine's own time zone. */
const READINGS: Readonly<Record<string, (wall: Date) => number>> = {
  getFullYear: (wall) => wall.getUTCFullYear(),
  getMonth: (wall) => wall.getUTCMonth(),
  getDate: (wall) => wall.getUTCDate(),
  getDayOfMonth: (wall) => wall.getUTCDate() - 1,
  getDayOfWeek: (wall) => wall.getUTCDay(),
  getDayOfYear: (wall) => Math.floor((wall.getTime() - new Date(wall).setUTCMonth(0, 1)) / 86_400_000),
  getHours: (wall) => wall.getUTCHours(),
  getMinutes: (wall) => wall.getUTCMinutes(),
  getSeconds: (wall) => wall.getUTCSeconds(),
  getMilliseconds: (wall) => wall.getUTCMilliseconds(),
};

function reading(read: (wall: Date) => number) {
  return function (this: CelValue<typeof TIMESTAMP>, zone?: string): bigint {
    const { seconds, nanos } = this.message;
    const instant = Number(seconds) * 1000 + Math.floor(nanos / 1e6);
    return BigInt(read(new Date(instant + (zone === undefined ? 0 : offsetOf(zone, instant)))));
  };
}

/** Of a zone by its IANA name, or an offset such as `+02:00`. */
function offsetOf(zone: string, instant: number): number {
  charge(ZONE_STEPS);
  const [, sign, hours, minutes] = /^([+-]?)([01]\d|2[0-3]):([0-5]\d)$/.exec(zone) ?? [];
  if (hours !== undefined) {
    const ms = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return sign === '-' ? -ms : ms;
  }
  if (!isTimeZone(zone)) throw new Error(`there is no time zone ${zone.slice(0, 40)}`);
  return offsetAt(zone, instant);
}

const ours: readonly CelFunc[] = [
  celFunc('_==_', [DYN, DYN], BOOL, equal),
  celFunc('_!=_', [DYN, DYN], BOOL, (a, b) => !equal(a, b)),
  celFunc('@in', [DYN, LIST], BOOL, isIn),
  ...[STRING, DOUBLE, INT, BOOL, UINT].map((key) => celFunc('@in', [key, ANY_MAP], BOOL, isKey)),
  celFunc('_<_', [STRING, STRING], BOOL, (a, b) => order(a, b) < 0),
  celFunc('_<=_', [STRING, STRING], BOOL, (a, b) => order(a, b) <= 0),
  celFunc('_>_', [STRING, STRING], BOOL, (a, b) => order(a, b) > 0),
  celFunc('_>=_', [STRING, STRING], BOOL, (a, b) => order(a, b) >= 0),
  celFunc('_+_', [LIST, LIST], LIST, concatenate),
  celMethod('matches', STRING, [STRING], BOOL, matches),
  celFunc('matches', [STRING, STRING], BOOL, (text, pattern) => matches.call(text, pattern)),
  celMethod('contains', STRING, [STRING], BOOL, contains),
  ...Object.entries(READINGS).flatMap(([name, read]) => [
    celMethod(name, TIMESTAMP, [], INT, reading(read)),
    celMethod(name, TIMESTAMP, [STRING], INT, reading(read)),
  ]),
  celFunc(TICK, [DYN, INT], DYN, (value, steps) => {
    charge(Number(steps));
    return value;
  }),
  celFunc(RANGE, [DYN], DYN, (value) => {
    if (isCelList(value) || isCelMap(value)) charge(value.size);
    return value;
  }),
  celFunc(MAP, [ANY_MAP], ANY_MAP, keyedMap),
  celFunc(APPEND, [LIST, LIST], LIST, append),
];

/** A standard function that pays for the length of its texts. */
function payable(func: CelFunc): CelFunc {
  const perStep = SLOW[func.name] ?? CHARACTERS_PER_STEP;
  function pay(this: CelValue | undefined, ...args: CelValue[]): CelValue {
    let length = lengthOf(this);
    for (const arg of args) length += lengthOf(arg);
    charge(1 + length / perStep);
    const result = func.call(0, this, args);
    if (result === undefined) throw new Error(`${func.name} does not take these`);
    if (isCelError(result)) throw result;
    return result;
  }
  return func.target === undefined
    ? celFunc(func.name, func.arguments, func.result, pay)
    : celMethod(func.name, func.target, func.arguments, func.result, pay);
}

function lengthOf(value: CelValue | undefined): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

const ready = [...ours, ...conversions.map(payable)];
const replaced = new Set(ready.map(({ id }) => id));

/** CEL with these functions. Time is an argument of the event, so nothing here reads a clock. */
export const filterEnv = celEnv({
  funcs: [
    ...standard
      .filter(({ id }) => !replaced.has(id))
      .map(strict)
      .map(payable),
    ...ready,
  ],
  variables: { event: DYN },
});
