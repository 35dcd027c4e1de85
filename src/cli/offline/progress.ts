import type { World } from '../world.ts';

/** Shows on a terminal how far something is; nothing elsewhere. */
export interface ProgressBar {
  show(step: string, done: number, total: number): void;
  /** Takes it away. */
  clear(): void;
}

/** How often it is drawn: a terminal is slow. */
const EVERY_MS = 100;
const BAR_MAX = 40;
/** What stands beside the bar: the step, and a percentage. */
const BESIDE = 20;

export function progressBar({ terminal, columns = 80, err, now }: World): ProgressBar {
  let step = '';
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    show(next, done, total) {
      if (!terminal || (next === step && now() - drawnAt < EVERY_MS)) return;
      step = next;
      drawnAt = now();
      isShown = true;
      err(`\r${barOf(step, total === 0 ? 1 : Math.min(1, done / total), columns)}`);
    },
    clear() {
      if (isShown) err('\r\u001B[K');
      isShown = false;
    },
  };
}

/** `importing  [=========>          ]  47 %` */
export function barOf(step: string, share: number, columns: number): string {
  const width = Math.max(0, Math.min(BAR_MAX, columns - BESIDE));
  const full = Math.floor(share * width);
  const bar = '='.repeat(full).padEnd(width);
  return `${step.padEnd(10)} [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}
