import type { ClockChange, ClockEffect } from '../runs/clock-changes.ts';
import { clock, counted } from './english.ts';

const DAY_S = 86_400;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What a change of the clocks does to a schedule: `the clocks go from 02:00 to 03:00: the run of 02:30 is at 03:30`. */
export function changeWords({ at, beforeMs, offsetMs, effects }: ClockChange): string {
  const back = offsetMs < beforeMs ? 'back ' : '';
  const [before, after] = [clockOf(at + beforeMs), clockOf(at + offsetMs)];
  const done = [...effects].map(([effect, { count, wall }]) => {
    const runs =
      count === 1 ? `the run of ${clockOf(wall)}` : `${count} runs, from that of ${clockOf(wall)} on,`;
    return `${runs} ${outcome(effect, count, wall, offsetMs - beforeMs)}`;
  });
  return `the clocks go ${back}from ${before} to ${after}: ${done.join('; ')}`;
}

function outcome(effect: ClockEffect, count: number, wall: number, gapMs: number): string {
  switch (effect) {
    case 'SHIFTED':
      return count === 1 ? `is at ${clockOf(wall + gapMs)}` : `are ${lengthOf(gapMs)} later`;
    case 'LEFT_OUT':
      return count === 1 ? 'is left out' : 'are left out';
    case 'ONCE':
      return `${count === 1 ? 'fires' : 'fire'} once, at the first of the two`;
    case 'TWICE':
      return `${count === 1 ? 'fires' : 'fire'} twice`;
    default:
      return effect satisfies never;
  }
}

/** The time of day of a wall time. */
function clockOf(wall: number): string {
  const second = Math.floor(wall / 1000);
  return clock(second - Math.floor(second / DAY_S) * DAY_S);
}

/** `1 hour`, `30 minutes` */
function lengthOf(ms: number): string {
  return ms % HOUR_MS === 0 ? counted(ms / HOUR_MS, 'hour') : counted(ms / MINUTE_MS, 'minute');
}
