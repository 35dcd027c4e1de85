import type { KeyRotation } from '../../src/control/key-rotation.ts';
import { openSealRotation, type SealRotation } from '../../src/control/seal-rotation.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { type Random, systemRandom } from '../../src/domain/random.ts';
import { createSealKeyring, type SealKeyring } from '../../src/domain/seal-keys.ts';
import type { Store } from '../../src/store/store.ts';
import type { Log } from '../../src/telemetry/log.ts';

/** For what is tested without one. */
export const NO_ROTATION: KeyRotation = {
  status() {
    throw new Error('no key is rotated here');
  },
  rotate() {
    throw new Error('no key is rotated here');
  },
};

export interface RotationParts {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Log;
  readonly keys: readonly Uint8Array[];
  /** The machine's own when not given. */
  readonly random?: Random;
}

/** One whose keys are in memory, and whose steps are made by the test that wants them. */
export async function openRotation({ store, clock, log, keys, ...given }: RotationParts): Promise<{
  readonly keyring: SealKeyring;
  readonly rotation: SealRotation;
}> {
  const { random = systemRandom() } = given;
  const keyring = createSealKeyring(keys);
  const source = {
    place: 'the pocket of a test',
    howToAdd: 'put it there',
    replace: async (present: readonly Uint8Array[]) => [random.bytes(32), ...present],
  };
  const rotation = await openSealRotation({ store, keyring, source, clock, random, log });
  return { keyring, rotation };
}

/** Makes steps until there is nothing left to do. Returns how many. */
export async function untilSealed(rotation: Pick<SealRotation, 'status' | 'tick'>): Promise<number> {
  let steps = 0;
  for (; rotation.status().isRunning; steps++) {
    if (steps === 10_000) throw new Error('sealing has no end');
    await rotation.tick();
  }
  return steps;
}
