/** The clock, for the command line, which shows how long ago things happened. */
export { systemClock } from '../domain/clock.ts';
