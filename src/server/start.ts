import { createControl } from '../control/control.ts';
import { createDispatcher } from '../dispatch/dispatcher.ts';
import { createSweeper } from '../dispatch/sweeper.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import { type Random, systemRandom } from '../domain/random.ts';
import { parseCidrs } from '../domain/webhook/address.ts';
import { type KeysOf, keysWith } from '../domain/webhook/signature.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';
import { createInbox } from '../inbox/inbox.ts';
import { createSender } from '../outbound/sender.ts';
import { createPublisher } from '../publish/publisher.ts';
import { createReplayer } from '../publish/replayer.ts';
import { createApi } from '../rpc/api.ts';
import { createScheduler } from '../schedule/scheduler.ts';
import { createDirectory } from '../store/directory.ts';
import { type KeyRing, openKeyRing } from '../store/key-ring.ts';
import { openStore, storePlace } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { createAnnouncer } from './announcer.ts';
import { comeBack } from './come-back.ts';
import type { Config } from './config/load.ts';
import { inboxVerify } from './inbox-verify.ts';
import { type Address, hostsHint } from './listen/bind.ts';
import { createFront } from './listen/front.ts';
import { createGrpcServer, type GrpcServer } from './listen/grpc-listener.ts';
import { createJwks } from './listen/jwks.ts';
import { createListener } from './listen/listener.ts';
import { startLoop } from './loop.ts';
import { checkNotAlone, forgetKey, loadSecretsKey } from './secrets-key.ts';
import { createStoreWatch } from './store-watch.ts';
import { VERSION } from './version.ts';

/** The whole program, running. */
export interface RunningServer {
  /** Where it listens, with the port that was free. */
  readonly address: Address;
  /** Where it listens for native gRPC; undefined when it does not. */
  readonly grpcAddress?: Address;
  /**
   * Health says NOT_SERVING, nothing new is accepted or sent, requests in flight get until the
   * configured deadline, everything else stays waiting in the store. Tolerates being called twice.
   */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it cannot go on, such as without its database. */
  readonly finished: Promise<void>;
}

export interface ServerDeps {
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** How long due runs are gathered, so that many share a commit: most of a run's lateness on an idle server. */
const SCHEDULER_REST_MS = 8;

/**
 * Starts everything, in the order in which one needs the other, and resolves when it accepts calls.
 * Rejects with DomainError FAILED_PRECONDITION, its message for the person who starts it, when the
 * database, the key or the port cannot be had; nothing is left running then.
 */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const { log, clock = systemClock, random = systemRandom() } = deps;
  const ended = Promise.withResolvers<void>();
  // Whoever starts the server may not be listening yet when the first thing goes wrong.
  ended.promise.catch(() => {});

  // Before a key is made for a database that cannot be.
  const place = storePlace(config.db);
  const secretsKey = await loadSecretsKey({ ...config, db: place, named: config.db, random });
  const { key, warning } = secretsKey;
  if (warning !== undefined) log.warn({}, warning);
  if (!config.restored) await checkNotAlone(place, secretsKey);
  const { waitingMax, namespaceWaitingMax, restored, defaultEveryMs } = config;
  const store = await openStore(place, {
    waitingMax,
    namespaceWaitingMax,
    defaultEveryMs,
    restored,
    warn: (sentence) => log.warn({}, sentence),
    onFatal: (error) => ended.reject(new Error(`the database has stopped: ${error.message}`)),
  }).catch(async (error: unknown) => {
    await forgetKey(place, secretsKey);
    throw error;
  });
  try {
    const keyRing = await openKeyRing({ store, clock, random, sealKey: key });
    const keysOf = keysWith(key, keyRing.privateKeyOf);
    await checkKey(store, keysOf);
    await comeBack({ store, clock, log }).catch((error: unknown) => {
      // A disk that is full keeps no server from starting: there is much to read, and what was taken to be delivered.
      if (!(error instanceof DomainError) || error.code !== 'UNAVAILABLE') throw error;
      log.warn({ reason: error.message }, 'how long no server was at work could not be noted');
    });
    return await run({ config, log, clock, random, store, key, keyRing, keysOf, ended });
  } catch (error) {
    await store.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly key: Uint8Array;
  readonly keyRing: KeyRing;
  readonly keysOf: KeysOf;
  readonly ended: PromiseWithResolvers<void>;
}

async function run(parts: Parts): Promise<RunningServer> {
  const { config, log, clock, random, store, key, keyRing, keysOf, ended } = parts;
  const policy = { allow: parseCidrs(config.allowDestinations) };
  const directory = createDirectory({ store });
  const sender = createSender({ clock, policy, originConnectionsMax: config.originInFlightMax });
  const scheduler = createScheduler({ store, directory, clock, random, log });
  const sweeper = createSweeper({ store, clock, log, settings: config });
  const publisher = createPublisher({ store, directory, clock, random, log, settings: config });
  const announcer = createAnnouncer({ publisher, log });
  const dispatcher = createDispatcher({
    store,
    directory,
    sender,
    keysOf,
    clock,
    random,
    log,
    wake: () => loops.dispatch.wake(),
    notify: announcer.announce,
    settings: { ...config, userAgent: `Carillon/${VERSION}` },
  });
  directory.onChange((changed) => {
    scheduler.changed(changed);
    dispatcher.changed(changed);
    sweeper.hurry();
  });

  const api = createApi({
    control: createControl({
      store,
      clock,
      random,
      sealKey: key,
      keyRing,
      settings: { ...config, addressPolicy: policy },
    }),
    publisher,
    replayer: createReplayer({ store, directory, clock, random, log }),
    clock,
    random,
    log,
    settings: { ...config, about: { version: VERSION, timeZoneRules: clock.zoneRules } },
  });
  const inbox = config.inbox
    ? createInbox({
        clock,
        log,
        verify: inboxVerify({ store, directory, keysOf, clock }),
        allowedHosts: config.allowedHosts,
      })
    : undefined;
  const listener = await createListener({
    handler: createFront({
      api,
      inbox,
      jwks: createJwks({ keys: keyRing, allowedHosts: config.allowedHosts }),
      outbox: api.services.outbox,
      corsOrigins: config.corsOrigins,
    }),
    ...config.listen,
    limits: { connectionsMax: config.connectionsMax },
    onError: (error) => log.error({ reason: (error as Error).message }, 'a request could not be handled'),
  });

  const grpc = createGrpcServer({ services: api.services, settings: config, log, clock });
  const grpcAddress = await listenOr(grpc, config, () => listener.close(0));
  const hint = hostsHint([listener.address, ...(grpcAddress ? [grpcAddress] : [])], config);
  if (hint !== undefined) log.info({}, hint);

  const loops = {
    directory: startLoop({ name: 'directory', tick: directory.refresh, idleMs: () => 1_000, restMs: 0, log }),
    schedule: startLoop({ name: 'scheduler', ...scheduler, restMs: SCHEDULER_REST_MS, log }),
    dispatch: startLoop({ name: 'dispatcher', ...dispatcher, restMs: 0, log }),
    sweep: startLoop({ name: 'sweeper', ...sweeper, restMs: 0, log }),
  };
  const unsubscribe = store.onVisible(() => {
    loops.directory.wake();
    loops.dispatch.wake();
  });
  directory.onChange(() => {
    loops.schedule.wake();
    loops.dispatch.wake();
    loops.sweep.wake();
  });
  const watch = createStoreWatch({ store, health: api.health, log });
  // Whatever is wrong is found again, and logged, by the loop.
  await watch.tick().catch(() => {});
  const storeWatch = startLoop({ name: 'watch on the store', ...watch, restMs: 0, log });
  // What the first call would wait for is loaded while nobody waits.
  void api.load();

  async function stopAll(): Promise<void> {
    await storeWatch.stop();
    api.health.stop();
    inbox?.close();
    await loops.schedule.stop();
    // Calls in flight may still need the store, and attempts in flight the dispatcher's settlements.
    const { stopTimeoutMs } = config;
    await Promise.all([
      listener.close(stopTimeoutMs),
      grpc.close(stopTimeoutMs),
      dispatcher.drain(stopTimeoutMs),
    ]);
    await announcer.flush();
    unsubscribe();
    await Promise.all([loops.dispatch.stop(), loops.directory.stop(), loops.sweep.stop()]);
    await sender.close();
    await store.close();
  }

  let stopping: Promise<void> | undefined;
  return {
    address: listener.address,
    ...(grpcAddress !== undefined && { grpcAddress }),
    finished: ended.promise,
    stop() {
      stopping ??= stopAll().then(ended.resolve, (error: unknown) => {
        ended.reject(error);
        throw error;
      });
      return stopping;
    },
  };
}

/** Listens for native gRPC, if it is to; when it cannot, what listens already is closed. */
async function listenOr(
  grpc: GrpcServer,
  { grpcListen }: Config,
  close: () => Promise<void>,
): Promise<Address | undefined> {
  if (grpcListen === 'off') return undefined;
  try {
    return await grpc.listen(grpcListen);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Better not to start than to sign nothing: a key that does not open the secrets is the wrong key. */
async function checkKey(store: Store, keysOf: KeysOf): Promise<void> {
  const [webhook] = await store.listWebhooks({ namespace: DEFAULT_NAMESPACE, limit: 1 });
  if (webhook !== undefined) keysOf(webhook);
}
