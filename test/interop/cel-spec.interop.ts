import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CelResult,
  type CelValue,
  celList,
  celMap,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  plan,
} from '@bufbuild/cel';
import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { createRegistry } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { anyUnpack, DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { filterEnv, metered } from '../../src/domain/filter/env.ts';
import { expressionTree } from '../../src/domain/filter/tree.ts';
import { assertOnlyKnown, readKnownFailing } from './known-failing.ts';

/**
 * The conformance tests of google/cel-spec, as `@bufbuild/cel-spec` packs them, through what filters go through: their
 * reader, checks, functions and meter. Left out is what is about protobuf messages, which no filter has, about
 * extensions, and about types that are worked out without an evaluation.
 */
const LEFT_OUT = /_ext$|^proto|^enums$|^wrappers$|^optionals$|^type_deductions$/;
const MESSAGES = /TestAllTypes|google\.protobuf\.(?!Timestamp\b|Duration\b)|NestedTestAllTypes|cel\.expr/;
const CASES_MIN = 1_000;

describe('The conformance tests of google/cel-spec', () => {
  it('have nothing against filters but what is listed', async () => {
    const failed = new Map<string, string>();
    let count = 0;
    for (const suite of getConformanceSuite().suites) {
      if (LEFT_OUT.test(suite.name)) continue;
      for (const [id, test] of casesOf(suite, suite.name)) {
        if (!isApplicable(test)) continue;
        count++;
        const fault = faultOf(test);
        if (fault !== undefined) failed.set(id, fault);
      }
    }
    assert.ok(count >= CASES_MIN, `${count} cases`);
    assertOnlyKnown(failed, await readKnownFailing('cel-spec'));
  });
});

function* casesOf(suite: IncrementalTestSuite, path: string): Generator<[string, IncrementalTest]> {
  for (const test of suite.tests) yield [`${path}/${test.name}`, test];
  for (const inner of suite.suites) yield* casesOf(inner, `${path}/${inner.name}`);
}

function isApplicable({ original }: IncrementalTest): boolean {
  const { expr, container, checkOnly, disableMacros, resultMatcher, bindings } = original;
  if (container !== '' || checkOnly || disableMacros || resultMatcher.case === 'typedResult') return false;
  const objects = Object.values(bindings).some(
    ({ kind }) => kind.case === 'value' && kind.value.kind.case === 'objectValue',
  );
  return !objects && !MESSAGES.test(expr);
}

/** What is wrong with what came of a case, if something is. */
function faultOf({ original }: IncrementalTest): string | undefined {
  const { expr, resultMatcher } = original;
  const bindings: Record<string, CelValue> = {};
  for (const [name, { kind }] of Object.entries(original.bindings)) {
    if (kind.case === 'value') bindings[name] = celOf(kind.value);
  }
  let result: CelResult;
  try {
    const { root, steps } = expressionTree(expr, Object.keys(bindings));
    const evaluate = plan(filterEnv, root);
    result = metered(steps, () => evaluate({ event: null, ...bindings }));
  } catch (error) {
    return resultMatcher.case === 'evalError' ? undefined : (error as Error).message;
  }
  if (resultMatcher.case === 'evalError') return isCelError(result) ? undefined : `is ${shown(result)}`;
  if (isCelError(result)) return result.message;
  const expected = resultMatcher.case === 'value' ? shown(celOf(resultMatcher.value)) : 'true';
  return shown(result) === expected ? undefined : `is ${shown(result)} and not ${expected}`;
}

const registry = createRegistry(TimestampSchema, DurationSchema);

function celOf({ kind }: Value): CelValue {
  switch (kind.case) {
    case 'uint64Value':
      return celUint(kind.value);
    case 'listValue':
      return celList(kind.value.values.map(celOf));
    case 'mapValue':
      return celMap(
        new Map(kind.value.entries.map(({ key, value }) => [celOf(key!) as string, celOf(value!)])),
      );
    case 'objectValue': {
      const message = anyUnpack(kind.value, registry);
      if (message === undefined) throw new Error(`holds a ${kind.value.typeUrl}`);
      return message as unknown as CelValue;
    }
    case 'nullValue':
      return null;
    case 'typeValue':
      return `type ${kind.value}`;
    case undefined:
    case 'enumValue':
      throw new Error(`holds ${kind.case}`);
    default:
      return kind.value;
  }
}

/** A value in words in which values of different types differ. */
function shown(value: CelValue): string {
  if (isCelUint(value)) return `${value.value}u`;
  if (isCelType(value)) return JSON.stringify(`type ${value.name}`);
  if (isCelList(value)) return `[${[...value].map(shown).join()}]`;
  if (isCelMap(value))
    return `{${[...value]
      .map(([key, of]) => `${shown(key)}:${shown(of)}`)
      .sort()
      .join()}}`;
  if (isReflectMessage(value)) return shownMessage(value.message);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'number') return `double ${Object.is(value, -0) ? '-0' : value}`;
  if (typeof value === 'object' && value !== null) return shownMessage(value);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function shownMessage(message: object): string {
  return JSON.stringify(message, (_, of: unknown) => (typeof of === 'bigint' ? String(of) : of));
}
