import { boundedCache } from '../domain/bounded-cache.ts';
import type { Clock } from '../domain/clock.ts';
import { notSent, type Outcome } from '../domain/delivery/attempt.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import { calledBy } from '../domain/webhook/destination.ts';
import { createConnector } from './connector.ts';
import { post, type Target } from './exchange.ts';
import { OUT_OF_TOUCH } from './failure.ts';
import { RESPONSE_HEAD_BYTES } from './incoming.ts';
import { createPools } from './pools.ts';
import type { EgressProxy } from './proxy.ts';
import type { OutgoingRequest } from './request.ts';
import type { Lookup } from './resolver.ts';

/**
 * Sends POSTs over connections that are kept and used again. Every connection is opened to an address that
 * the policy allows at that moment, and stays with that address.
 *
 *     const sender = createSender({ clock, policy, originConnectionsMax: 64 });
 *     const outcome = await sender.send(buildRequest(…));
 */
export interface Sender {
  /**
   * Sends once, and resolves with the outcome by the request's deadline. It never rejects, never follows a
   * redirect, and never sends again by itself: if a connection breaks after the first byte was written, the
   * request may have been delivered. That is RESET, and left to the retry policy, which repeats the id.
   */
  send(request: OutgoingRequest): Promise<Outcome>;
  /** Ends what is in flight (LOCAL), because this node may act no more. What is sent later goes. */
  breakOff(): void;
  stats(): SenderStats;
  /** Ends what is in flight (LOCAL) and drops all connections. Tolerates being called twice. */
  close(): Promise<void>;
}

export interface SenderStats {
  /** Connections that are open or being opened. */
  readonly connections: number;
  /** Origins (scheme, host, port) that have a pool. */
  readonly origins: number;
}

export interface SenderOptions {
  readonly clock: Clock;
  readonly policy: AddressPolicy;
  /** The most connections to one origin; further requests wait for one, within their deadline. */
  readonly originConnectionsMax: number;
  /** With this many connections in all, new requests close theirs when they are done. */
  readonly keptConnectionsMax?: number;
  /** For the lookup, the connection and the TLS handshake together. */
  readonly connectTimeoutMs?: number;
  /** Looks names up; by default the system's resolver does. */
  readonly lookup?: Lookup;
  /** If there is one, it is all that is connected to. */
  readonly egressProxy?: EgressProxy;
  /** Whether anything may be sent now; without one it may always. */
  readonly maySend?: () => boolean;
  /** Certificates in PEM that are trusted beside the usual ones. */
  readonly trustedCertificates?: string;
}

const KEPT_CONNECTIONS_MAX = 16_384;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * We close an idle connection after this time, before a receiver does: Node and many others close theirs
 * after 5 s, and a request that is on its way at that moment is lost. If the receiver announces a shorter
 * time (`Keep-Alive: timeout=…`), that applies, less the margin; a longer one does not.
 */
const IDLE_MS = 4_000;
const IDLE_MARGIN_MS = 1_000;

/** The most requests to one origin that wait for a connection; further ones fail at once (CONNECT). */
const ORIGIN_WAITING_MAX = 1_024;

/** The most destinations whose parts are kept; those unused for longest are dropped. */
const TARGETS_MAX = 20_000;

export function createSender(options: SenderOptions): Sender {
  const { clock, policy, originConnectionsMax, keptConnectionsMax = KEPT_CONNECTIONS_MAX } = options;
  const connector = createConnector({ connectTimeoutMs: CONNECT_TIMEOUT_MS, ...options });
  const targets = boundedCache<string, Target>(TARGETS_MAX);
  const pools = createPools({
    heldMax: originConnectionsMax + ORIGIN_WAITING_MAX,
    connectorOf: connector.connectorOf,
    pool: {
      connections: originConnectionsMax,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      maxHeaderSize: RESPONSE_HEAD_BYTES,
      // The deadline of each request covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
    },
  });
  const underWay = new Set<() => void>();
  let closing: Promise<void> | undefined;

  function targetOf(destination: string): Target | undefined {
    const known = targets.get(destination);
    if (known !== undefined) return known;
    const target = partsOf(destination, policy);
    if (target !== undefined) targets.set(destination, target);
    return target;
  }

  function refuse(errorClass: 'REQUEST' | 'CONNECT' | 'LOCAL', message: string): Promise<Outcome> {
    return Promise.resolve(notSent({ errorClass, message }, clock.now()));
  }

  return {
    send(request) {
      if (closing !== undefined) return refuse('LOCAL', 'Carillon is stopping');
      if (options.maySend?.() === false) return refuse('LOCAL', OUT_OF_TOUCH);
      const target = targetOf(request.destination);
      if (target === undefined) return refuse('REQUEST', 'the destination is not an http or https URL');
      const { tls } = request;
      const held = pools.hold(
        tls === undefined ? target : { ...target, key: `${target.key} ${tls.id}`, tls },
      );
      if (held === undefined) {
        return refuse('CONNECT', `${ORIGIN_WAITING_MAX} requests wait for a connection to ${target.peer}`);
      }
      const last = connector.open >= keptConnectionsMax;
      return post({ clock, held, target, request, last, underWay });
    },
    breakOff() {
      for (const giveUp of [...underWay]) giveUp();
    },
    stats: () => ({ connections: connector.open, origins: pools.size }),
    close() {
      closing ??= pools.destroy();
      connector.destroy();
      return closing;
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A destination was judged when it was registered; what it leads to is judged at each connection. */
function partsOf(destination: string, { own }: AddressPolicy): Target | undefined {
  const url = URL.parse(destination);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const { port, isInbox } = calledBy(url);
  const { origin } = url;
  const leadsToInbox = own?.listeners.some((each) => each.hasInbox && each.port === port) ?? false;
  const isForInbox = isInbox === true && leadsToInbox;
  return {
    origin,
    key: isForInbox ? `${origin}/inbox` : origin,
    isInbox: isForInbox,
    path: url.pathname + url.search,
    peer: `${url.hostname}:${port}`,
  };
}
