import { setImmediate } from 'node:timers/promises';
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import type { Validator, Violation } from '@bufbuild/protovalidate';
import type { FieldViolation } from '../domain/error.ts';

/** The rules written in the proto files (buf.validate). */
export interface Rules {
  /** What a message breaks. Waits for the rules to be loaded, the first time. */
  violationsOf<Desc extends DescMessage>(
    schema: Desc,
    message: MessageShape<Desc>,
  ): Promise<FieldViolation[]>;
  /** Loads them, and compiles those of these messages, ahead of the first call; lets others run in between. */
  load(schemas: readonly DescMessage[]): Promise<void>;
}

/** The one validator of the process: its rules are the same for all, and costly to compile. */
let loading: Promise<Validator> | undefined;

function validator(): Promise<Validator> {
  loading ??= import('@bufbuild/protovalidate').then(({ createValidator }) => createValidator());
  return loading;
}

/**
 * protovalidate takes about as long to load and to compile its rules as the rest of the server takes
 * to start, so it is loaded apart from it.
 */
export function lazyRules(): Rules {
  return {
    async violationsOf(schema, message) {
      const result = (await validator()).validate(schema, message);
      if (result.kind === 'valid') return [];
      if (result.kind === 'error') throw result.error;
      return result.violations.map((violation) => ({
        field: pathToString(violation.field),
        description: describe(violation),
      }));
    },
    async load(schemas) {
      const { validate } = await validator();
      for (const schema of schemas) {
        await setImmediate();
        validate(schema, create(schema));
      }
    },
  };
}

function describe({ field, ruleId, message, forKey }: Violation): string {
  const last = field.at(-1);
  if (last?.kind === 'oneof') return `one of ${last.fields.map(({ name }) => name).join(', ')} is required`;
  const sentence =
    ruleId === 'string.min_len' && message.includes('at least 1 ') ? 'must not be empty' : message;
  return forKey ? `its key ${sentence}` : sentence;
}
