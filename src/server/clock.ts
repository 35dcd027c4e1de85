/** Time, for the command line, which reads it and shows how long ago things happened. */
export { systemClock } from '../domain/clock.ts';
export { isRealTime } from '../domain/rfc3339.ts';
