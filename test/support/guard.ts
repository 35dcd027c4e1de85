import { mock } from 'node:test';
import type { DescMethod, Message } from '@bufbuild/protobuf';
import type { CallHead, Guard } from '../../src/rpc/transport/guard.ts';

/** What a guard was asked, in order. */
export interface Recording {
  readonly steps: readonly string[];
  /** The heads of the calls that have begun. */
  readonly heads: readonly CallHead[];
  readonly messages: readonly Message[];
  /** Resolves once there are so many steps. */
  reached(steps: number): Promise<void>;
  /** Forgets everything so far. */
  clear(): void;
}

/** Writes down what a guard is asked, from now on; it decides as before. */
export function recordGuard(guard: Guard): Recording {
  let steps: string[] = [];
  let heads: CallHead[] = [];
  let messages: Message[] = [];
  let changed = Promise.withResolvers<void>();
  const step = (name: string) => {
    steps.push(name);
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const begin = guard.begin.bind(guard);
  mock.method(guard, 'begin', (method: DescMethod, head: CallHead, call: Parameters<Guard['begin']>[2]) => {
    heads.push(head);
    step(`begin ${method.name}`);
    const admit = begin(method, head, call);
    return (message: Message) => {
      messages.push(message);
      step(`admit ${method.name}`);
      return admit(message);
    };
  });
  return {
    get steps() {
      return steps;
    },
    get heads() {
      return heads;
    },
    get messages() {
      return messages;
    },
    async reached(count) {
      while (steps.length < count) await changed.promise;
    },
    clear() {
      steps = [];
      heads = [];
      messages = [];
    },
  };
}
