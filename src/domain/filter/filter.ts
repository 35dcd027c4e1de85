import { type CelResult, celType, isCelError, plan } from '@bufbuild/cel';
import { type BoundedCache, boundedCache } from '../bounded-cache.ts';
import { invalid } from '../error.ts';
import type { OpenedEvent } from '../event/data.ts';
import { filterEnv, metered } from './env.ts';
import { FilterMistake } from './syntax.ts';
import { filterTree } from './tree.ts';
import { attributesOf, type EventValue, eventValueOf } from './value.ts';

/**
 * Filters: CEL expressions over `event` (id, type, source, subject, time, extensions, data, content_type) that an event
 * must fulfil. A filter is whatever a caller wrote, and it is evaluated where it blocks everyone else: its
 * tree, the data it looks at and the steps it takes are all bounded.
 */

/** What comes of a filter. One that fails on an event does not match it. */
export type FilterVerdict = boolean | { readonly failed: string };

/**
 * Checks that a filter can be evaluated and can result in true or false. Raises INVALID about `field`,
 * with the place of the mistake.
 */
export function checkFilter(text: string, field: string): void {
  try {
    filterTree(text);
  } catch (error) {
    if (error instanceof FilterMistake) throw invalid(field, error.message);
    throw error;
  }
}

/** Whether an event fulfils a filter. */
export function matches(filter: string, opened: OpenedEvent): FilterVerdict {
  let compiled = filters.get(filter);
  if (compiled === undefined) {
    compiled = compile(filter);
    filters.set(filter, compiled);
  }
  return compiled(opened);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Compiled = (opened: OpenedEvent) => FilterVerdict;

/** Compiled filters kept; compiling one takes as long as evaluating it a hundred times. */
const FILTERS_MAX = 4_096;
const filters: BoundedCache<string, Compiled> = boundedCache(FILTERS_MAX);

function compile(text: string): Compiled {
  try {
    const { root, steps, readsData } = filterTree(text);
    const evaluate = plan(filterEnv, root);
    return (opened) => {
      try {
        const event = viewOf(opened, readsData);
        return verdictOf(metered(steps, () => evaluate({ event })));
      } catch (error) {
        return { failed: (error as Error).message };
      }
    };
  } catch (error) {
    // It was good when it was registered, and is not to this version.
    const failed = `the filter ${(error as Error).message}`;
    return () => ({ failed });
  }
}

function verdictOf(result: CelResult): FilterVerdict {
  if (typeof result === 'boolean') return result;
  if (isCelError(result)) return { failed: result.message };
  return { failed: `the result is of type ${celType(result)}, and not true or false` };
}

/** What filters see of an event, made once for all of them. */
const seen = new WeakMap<OpenedEvent, { attributes?: EventValue; whole?: EventValue | Error }>();

function viewOf(opened: OpenedEvent, withData: boolean): EventValue {
  let known = seen.get(opened);
  if (known === undefined) {
    known = {};
    seen.set(opened, known);
  }
  if (!withData) {
    known.attributes ??= attributesOf(opened);
    return known.attributes;
  }
  known.whole ??= wholeOf(opened);
  if (known.whole instanceof Error) throw known.whole;
  return known.whole;
}

function wholeOf(opened: OpenedEvent): EventValue | Error {
  try {
    return eventValueOf(opened);
  } catch (error) {
    return error as Error;
  }
}
