/** Who attacks, in a process of its own, so that its work is neither the server's nor that of those who are to be served. */
import { systemClock } from '../../../src/domain/clock.ts';
import { answering } from '../../answering.ts';
import { type Kind, LASTS_MS } from './attack.ts';
import { ATTACKS } from './attacks/all.ts';
import { newTally, words } from './tally.ts';

export interface Order {
  readonly name: string;
  readonly kind: Kind;
  readonly port: number;
}

/** Resolves with what became of it, in words, when the attack is over. */
async function attack({ name, kind, port }: Order): Promise<string> {
  const { lastsMs = LASTS_MS, run } = ATTACKS.find((each) => each.name === name)!;
  const tally = newTally();
  await run({ kind, port, until: systemClock.monotonic() + lastsMs }, tally);
  return words(tally);
}

answering({ attack });
