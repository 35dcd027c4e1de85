import { flagValue, flagValues, type Invocation } from '../command.ts';
import { allOf, exactly } from '../filter.ts';
import { readEntry, readWord } from '../values.ts';

/** The filter of the API that the options amount to. */
export function whichWebhooks(invocation: Pick<Invocation, 'flags'>): string {
  const [name, state] = ['--name', '--state'].map((flag) => flagValue(invocation, flag));
  const parts: string[] = [];
  if (name !== undefined) parts.push(`name = ${exactly(name)}`);
  if (state !== undefined) parts.push(`state = ${readWord('--state', state, STATES, '')}`);
  for (const label of flagValues(invocation, '--label')) {
    const [key, value] = readEntry('--label', label);
    parts.push(`labels.${exactly(key)} = ${exactly(value)}`);
  }
  return allOf(parts, invocation);
}

const STATES = ['active', 'paused', 'disabled'];
