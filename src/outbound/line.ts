import type { Dispatcher, Client as UndiciClient } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { Timing } from '../domain/delivery/attempt.ts';
import { Client } from './undici.ts';

/**
 * A line to an origin: one of undici's clients, which opens a connection when it is given a request and
 * has none. Undici does not say which connection a request goes over, nor how that came about; this does.
 */
export interface Line {
  /** The connection that is there or was last; undefined before the first. */
  opening: Opening | undefined;
  /** Whether no request has gone over it yet: the one that does, or would have, had to wait for it. */
  fresh: boolean;
}

/** How a connection comes about. */
export interface Opening {
  /** Ends the part under way and begins another, or none when the connection is there or has failed. */
  next(part: OpeningPart | undefined): void;
  /** How long the parts have taken so far, that under way included. */
  timing(): Timing;
  /** The address and port that it leads to, once it does. */
  remoteAddress: string | undefined;
}

export type OpeningPart = 'dnsMs' | 'connectMs' | 'tlsMs';

/** Options of a request that say, once it has been given to a client, which line it is on. */
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
