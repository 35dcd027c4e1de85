import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  type Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../../gen/grpc/health/v1/health_pb.ts';
import { DomainError } from '../../domain/error.ts';
import { quote } from '../../domain/text.ts';
import type { About } from '../deps.ts';

/** Watch calls open at a time. */
const WATCHERS_MAX = 1000;

/** A service that none can call: whether the server sends what waits, or is on standby. */
export const SENDING = 'carillon.sending';

export type Serving = 'SERVING' | 'NOT_SERVING';

/**
 * What whoever keeps the process running asks, under the names that Kubernetes has for it. LIVEZ is always SERVING:
 * who gets an answer knows that the event loop turns, and a database in trouble is no reason to restart. READYZ is
 * SERVING when the server as a whole is.
 */
const LIVEZ = 'livez';
export const READYZ = 'readyz';

/**
 * Which services serve and which do not, for grpc.health.v1. The service `''` is the server as a whole. All but LIVEZ
 * are NOT_SERVING at first.
 */
export interface HealthBoard {
  /** Sets one service, or the whole server and all of its services but LIVEZ. */
  set(status: Serving, service?: string): void;
  /** Undefined for a service that is not there. */
  get(service: string): Serving | undefined;
  list(): ReadonlyMap<string, Serving>;
  /** Keeps a service NOT_SERVING, whatever is set, until it is let go. */
  hold(service: string, isHeld: boolean): void;
  /** Calls back on every change. Returns a way to stop. */
  onChange(listener: () => void): () => void;
}

export function createHealthBoard(services: readonly string[]): HealthBoard {
  const changing = ['', ...services, READYZ];
  const statuses = new Map<string, Serving>([
    ...changing.map((service) => [service, 'NOT_SERVING'] as const),
    [LIVEZ, 'SERVING'],
  ]);
  const held = new Set<string>();
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    set(status, service) {
      for (const name of service === undefined ? changing : [service]) statuses.set(name, status);
      tell();
    },
    get: (service) => (held.has(service) ? 'NOT_SERVING' : statuses.get(service)),
    list: () =>
      new Map(Array.from(statuses, ([name, status]) => [name, held.has(name) ? 'NOT_SERVING' : status])),
    hold(service, isHeld) {
      if (isHeld) held.add(service);
      else held.delete(service);
      tell();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * grpc.health.v1, as https://github.com/grpc/grpc/blob/master/doc/health-checking.md has it.
 * Watch ends with the signal.
 */
export function healthService(
  board: HealthBoard,
  shutdown: AbortSignal,
  { version, timeZoneRules }: About = {},
): ServiceImpl<typeof Health> {
  let watchers = 0;
  const tellAbout = ({ responseHeader }: HandlerContext) => {
    if (version !== undefined) responseHeader.set('carillon-version', version);
    if (timeZoneRules !== undefined) responseHeader.set('carillon-time-zone-rules', timeZoneRules);
  };
  return {
    check({ service }, context) {
      const status = board.get(service);
      if (status === undefined) {
        const metadata = { service };
        throw new DomainError('SERVICE_NOT_FOUND', `there is no service ${quote(service)}`, { metadata });
      }
      tellAbout(context);
      return { status: Status[status] };
    },

    list(_, context) {
      tellAbout(context);
      const statuses = [...board.list()].map(
        ([service, status]) => [service, { status: Status[status] }] as const,
      );
      return { statuses: Object.fromEntries(statuses) };
    },

    async *watch({ service }, context) {
      if (watchers >= WATCHERS_MAX) {
        throw new DomainError('TOO_MANY_STREAMS', `${WATCHERS_MAX} callers watch already; use Check`, {
          metadata: { max: WATCHERS_MAX },
        });
      }
      watchers++;
      const ended = AbortSignal.any([context.signal, shutdown]);
      let changed = Promise.withResolvers<void>();
      const wake = () => changed.resolve();
      const stop = board.onChange(wake);
      ended.addEventListener('abort', wake);
      try {
        let told: Status | undefined;
        for (;;) {
          changed = Promise.withResolvers<void>();
          const status = Status[board.get(service) ?? 'SERVICE_UNKNOWN'];
          // A watcher learns of NOT_SERVING before the stream ends for that reason.
          if (status !== told) yield { status };
          told = status;
          if (ended.aborted) break;
          await changed.promise;
        }
        if (shutdown.aborted) throw new DomainError('SERVER_STOPPING', 'the server is stopping');
      } finally {
        watchers--;
        stop();
        ended.removeEventListener('abort', wake);
      }
    },
  };
}
