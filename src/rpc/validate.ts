import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import type { Validator } from '@bufbuild/protovalidate';
import type { FieldViolation } from '../domain/error.ts';

/** The rules written in the proto files (buf.validate). */
export interface Rules {
  /** What a message breaks. Waits for the rules to be loaded, the first time. */
  check<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Promise<FieldViolation[]>;
  /** Loads them ahead of the first call. */
  load(): Promise<void>;
}

/**
 * protovalidate takes about as long to load and to compile its rules as the rest of the server takes
 * to start, so it is loaded apart from it.
 */
export function lazyRules(): Rules {
  let loading: Promise<Validator> | undefined;
  const validator = () => {
    loading ??= import('@bufbuild/protovalidate').then(({ createValidator }) => createValidator());
    return loading;
  };
  return {
    async check(schema, message) {
      const result = (await validator()).validate(schema, message);
      if (result.kind === 'valid') return [];
      if (result.kind === 'error') throw result.error;
      return result.violations.map((violation) => ({
        field: pathToString(violation.field),
        description: describe(violation.ruleId, violation.message, violation.forKey),
      }));
    },
    async load() {
      await validator();
    },
  };
}

function describe(ruleId: string, message: string, forKey: boolean): string {
  const sentence =
    ruleId === 'string.min_len' && message.includes('at least 1 ') ? 'must not be empty' : message;
  return forKey ? `its key ${sentence}` : sentence;
}
