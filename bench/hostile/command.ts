import { cpus, totalmem } from 'node:os';
import { systemClock } from '../../src/domain/clock.ts';
import { mib } from '../table.ts';

/** Says what is being done, to whoever waits. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** When this was, and on what. */
export function machine(): string {
  const date = new Date(systemClock.now()).toISOString().slice(0, 10);
  return `${date}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${mib(totalmem())}, ${process.platform}`;
}
