import type { Dispatcher, Client as UndiciClient } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { Timing } from '../domain/delivery/attempt.ts';
import type { Via } from './failure.ts';
import type { Incoming } from './incoming.ts';
import { Client } from './undici.ts';

/**
 * A line to an origin: one of undici's clients, which opens a connection when it is given a request and
 * has none. Undici does not tell which connection a request goes over, nor how long that took to open. A
 * line does.
 */
export interface Line {
  /** The present connection, or the last one; undefined before the first. */
  opening: Opening | undefined;
  /** Whether no request has gone over the connection yet. The first one had to wait for it. */
  fresh: boolean;
  /** What comes in over the present connection, or the last one. */
  incoming: Incoming | undefined;
}

/** The opening of a connection, and how long its parts take. */
export interface Opening {
  /** Ends the present part and begins another; none when the connection is open or has failed. */
  next(part: OpeningPart | undefined): void;
  /** How long the parts have taken so far, the present one included. */
  timing(): Timing;
  /** What it waits for; undefined when it is open or has failed. */
  readonly part: OpeningPart | undefined;
  /** The address and port of its other end, once it is open. */
  remoteAddress: string | undefined;
  /** The proxy that it waits for, while it does. */
  via: Via | undefined;
}

export type OpeningPart = 'dnsMs' | 'connectMs' | 'tlsMs';

/** Options of a request. The client that is given the request notes its line in them. */
export interface LineOptions extends Dispatcher.DispatchOptions {
  line?: Line;
}

export function startOpening(clock: Pick<Clock, 'monotonic'>, first: OpeningPart): Opening {
  const parts: Partial<Record<OpeningPart, number>> = {};
  let part: OpeningPart | undefined = first;
  let since = clock.monotonic();

  function close(): void {
    const now = clock.monotonic();
    if (part !== undefined) parts[part] = tenths(now - since);
    since = now;
  }

  return {
    remoteAddress: undefined,
    via: undefined,
    get part() {
      return part;
    },
    next(following) {
      close();
      part = following;
    },
    timing() {
      if (part !== undefined) parts[part] = tenths(clock.monotonic() - since);
      return parts;
    },
  };
}

/** A client that tells each request the line that it is on. */
export class LineClient extends Client {
  readonly #line: Line;

  constructor(origin: URL, options: UndiciClient.Options, line: Line) {
    super(origin, options);
    this.#line = line;
  }

  override dispatch(options: LineOptions, handler: Dispatcher.DispatchHandler): boolean {
    options.line = this.#line;
    return super.dispatch(options, handler);
  }
}

/** Milliseconds with one digit of their fraction: a loopback answers within one. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
