import { isIP, type Socket } from 'node:net';
import { dial } from './dial.ts';
import type { SendFailure } from './failure.ts';
import type { Opening } from './line.ts';
import type { Resolver } from './resolver.ts';

/** A way to a host: straight to one of its addresses, or through a proxy. */
export interface Way {
  /** Whether it begins with the look-up of a name, where `hostname` is to be reached. */
  looksUp(hostname: string): boolean;
  /** Connects, and calls back later, with a socket or with why there is none. Returns a way to give up. */
  open(to: To, done: (failure: SendFailure | null, socket: Socket | null) => void): () => void;
}

export interface To {
  readonly hostname: string;
  readonly port: number;
  readonly isInbox: boolean;
  /** The host and port as a person would write them. */
  readonly peer: string;
  /** Told of each step. */
  readonly opening: Opening;
  /** Called with every socket as soon as it is made. */
  readonly opened: (socket: Socket) => void;
}

/** The straight way, to addresses that the resolver has judged. */
export function straight(resolver: Resolver): Way {
  return {
    looksUp: (hostname) => isIP(hostname) === 0,
    open({ hostname, port, isInbox, peer, opening, opened }, done) {
      let isOver = false;
      let stop = () => {};
      resolver.resolve({ hostname, port, isInbox }, (refusal, addresses) => {
        if (isOver) return;
        if (refusal !== null) return done(refusal, null);
        if (isIP(hostname) === 0) opening.next('connectMs');
        stop = dial({ addresses, port, peer, opened }, done);
      });
      return () => {
        isOver = true;
        stop();
      };
    },
  };
}
