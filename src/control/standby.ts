import type { Standby } from '../domain/standby.ts';
import type { Needs } from './deps.ts';

/** Whether the server sends what it has, and how it begins to. */
export function createStandby(
  { store }: Needs<'getStandby' | 'takeOver'>,
  onTakeOver: () => void = () => {},
) {
  return {
    /** Undefined for a server that sends. Raises UNAVAILABLE and EXHAUSTED. */
    get: () => store.getStandby(),
    /** Returns what the server was on standby for; undefined where it was not. Raises UNAVAILABLE and EXHAUSTED. */
    async takeOver(): Promise<Standby | undefined> {
      const before = await store.takeOver();
      if (before !== undefined) onTakeOver();
      return before;
    },
  };
}
