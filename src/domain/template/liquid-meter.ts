/** What rendering templates may cost, by the steps of `meter.ts`. */
import { CHARACTERS_PER_STEP, COMPARISONS_PER_STEP, createMeter } from '../meter.ts';

/**
 * The steps that the templates of one rendering may take together, for which everyone else waits: tens of
 * milliseconds. It is enough to write any event of `EVENT_BYTES_MAX` as JSON.
 */
const RENDER_STEPS_MAX = 100_000;

/** Elements of a list that filters go through in a step. */
const ELEMENTS_PER_STEP = 16;
/** Elements of a list that are written as text in a step. */
const WRITTEN_PER_STEP = 8;
/** Members of an object whose names are gathered in a step. */
const MEMBERS_PER_STEP = 2;
/** Values that are written as JSON in a step. */
const JSON_VALUES_PER_STEP = 8;

const meter = createMeter(RENDER_STEPS_MAX);
/** Takes steps of the rendering under way. Raises an error when they are not there. */
export const { charge } = meter;

/** Renders with `RENDER_STEPS_MAX` steps to take. Whatever is rendered within has these steps together. */
export function metered<T>(render: () => T): T {
  meter.start();
  return render();
}

/**
 * Takes as many steps as going through a value takes, and does so while it goes: lists can hold the same
 * list in many places, so that a small one is endless to go through. Objects count by their members.
 */
export function chargeFor(value: unknown): void {
  if (typeof value === 'string') return void charge(value.length / CHARACTERS_PER_STEP);
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) return void charge(Object.keys(value).length / MEMBERS_PER_STEP);
  chargeForLength(value.length);
  for (const element of value) {
    if (typeof element === 'string' || Array.isArray(element)) chargeFor(element);
  }
}

/** Takes as many steps as making a list of this many elements takes. */
export function chargeForLength(elements: number): void {
  charge(1 + elements / ELEMENTS_PER_STEP);
}

/** Takes as many steps as writing a value as text takes, which ordering lists does too. */
export function chargeForText(value: unknown): void {
  chargeFor(value);
  if (Array.isArray(value)) charge(value.length / WRITTEN_PER_STEP);
}

/**
 * Takes as many steps as finding two values equal takes: one for each pair of elements, since liquidjs goes from
 * one to the next by a generator.
 */
export function chargeForEquality(left: unknown, right: unknown): void {
  charge(1);
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return;
  for (let i = 0; i < left.length; i++) chargeForEquality(left[i], right[i]);
}

/** The same for one that is written as JSON, each value with `indent` characters for each level above it. */
export function chargeForJson(value: unknown, indent: number, depth = 1): void {
  charge(1 / JSON_VALUES_PER_STEP + (depth * indent) / CHARACTERS_PER_STEP);
  if (typeof value === 'string') return void charge(value.length / CHARACTERS_PER_STEP);
  if (typeof value !== 'object' || value === null) return;
  const inner = depth + 1;
  if (Array.isArray(value)) {
    for (const element of value) chargeForJson(element, indent, inner);
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    charge(key.length / CHARACTERS_PER_STEP);
    chargeForJson(member, indent, inner);
  }
}

/** Takes as many steps as looking for a text in another takes at worst. */
export function chargeForSearch(text: string, wanted: string): void {
  charge((text.length * wanted.length) / COMPARISONS_PER_STEP);
}
