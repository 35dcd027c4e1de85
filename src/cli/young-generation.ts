import { setFlagsFromString } from 'node:v8';

/**
 * V8 doubles its young generation whenever much of it survives, as it does while modules load, and does
 * not shrink it again soon: 35 MB that a server at rest never uses (docs/adr/0005). V8 reads the flag
 * each time it might grow.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** From now on it grows as load asks for. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}

/**
 * V8 shares the work of collecting the young generation among threads, which wait for each other longer than they work:
 * little survives a collection here (docs/adr/0028). It reads the flag at each collection, in all threads.
 */
export function collectYoungGenerationAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}
