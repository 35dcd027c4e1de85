import { getHeapStatistics } from 'node:v8';
import { createControl } from '../control/control.ts';
import { createKeyring, KEY_REFRESH_MS, type Keyring } from '../control/keyring.ts';
import { openSealRotation, type SealRotation } from '../control/seal-rotation.ts';
import { createConsents } from '../dispatch/consents.ts';
import { createIncarnations } from '../dispatch/incarnations.ts';
import { createSweeper } from '../dispatch/sweeper.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import { type Random, systemRandom } from '../domain/random.ts';
import { createSealKeyring, type SealKeyring } from '../domain/seal-keys.ts';
import { credentialsWith } from '../domain/webhook/credentials.ts';
import type { OwnListener } from '../domain/webhook/own-listeners.ts';
import { type KeysOf, keysWith } from '../domain/webhook/signature.ts';
import { createInbox } from '../inbox/inbox.ts';
import { createSender } from '../outbound/sender.ts';
import { createLettingIn } from '../outbound/token/letting-in.ts';
import { createAdmission } from '../publish/admission.ts';
import { createPublisher } from '../publish/publisher.ts';
import { createReplayer } from '../publish/replayer.ts';
import { createApi } from '../rpc/api.ts';
import { createScheduler } from '../schedule/scheduler.ts';
import { createDirectory } from '../store/directory.ts';
import { createNamespaceDirectory } from '../store/namespace-directory.ts';
import { openSigningKeyring, type SigningKeyring } from '../store/signing-keyring.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { addressPolicy } from './address-policy.ts';
import { createAnnouncer } from './announcer.ts';
import { checkKey } from './check-key.ts';
import { comeBack } from './come-back.ts';
import type { Config } from './config/load.ts';
import { checkExposure } from './exposure.ts';
import { inboxVerify } from './inbox-verify.ts';
import { type Address, hostsHint } from './listen/bind.ts';
import { createFront } from './listen/front.ts';
import { createGrpcServer, type GrpcServer } from './listen/grpc-listener.ts';
import { createJwks } from './listen/jwks.ts';
import { createListener } from './listen/listener.ts';
import { createProbes } from './listen/probes.ts';
import { startLoop } from './loop.ts';
import { createNode } from './node.ts';
import { openDatabase } from './open-database.ts';
import { sealOld } from './seal-old.ts';
import { shownDatabase } from './shown-database.ts';
import { openStandby, type ServerStandby } from './standby.ts';
import { createStoreWatch } from './store-watch.ts';
import { openTls, TLS_REFRESH_MS, type Tls } from './tls/tls.ts';
import { tellOfUnverified, warnOfUnverified } from './unverified.ts';
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

/**
 * Bytes of requests in work, as a share of the heap: what becomes of a byte takes several, in the heap and beside it
 * (docs/operations.md).
 */
const WORK_SHARE = 1 / 128;
const WORK_BYTES_MIN = 16 * 1024 * 1024;

/** The least time between two steps of sealing everything anew, in which others have the database for themselves. */
const SEALING_REST_MS = 5;

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

  const { store, keys, source } = await openDatabase(config, {
    random,
    warn: (sentence) => log.warn({}, sentence),
    tell: (sentence) => log.info({}, sentence),
    onFatal: (error) => ended.reject(new Error(`the database has stopped: ${error.message}`)),
  });
  try {
    const { takeOver } = config;
    const standby = await openStandby({ store, takeOver, shown: shownDatabase(config), log });
    const sealKey = createSealKeyring(keys);
    const sealRotation = await openSealRotation({ store, keyring: sealKey, source, clock, random, log });
    const signingKeyring = await openSigningKeyring({ store: sealRotation.store, clock, random, sealKey });
    const keysOf = keysWith(sealKey, signingKeyring.privateKeyOf);
    await checkKey(store, keysOf);
    await sealRotation.begin();
    await sealOld({ store, sealKey, random, log });
    await tellOfUnverified({ store, log });
    await comeBack({ store, clock, log }).catch((error: unknown) => {
      // A disk that is full keeps no server from starting: there is much to read, and what was taken to be delivered.
      if (!(error instanceof DomainError) || error.code !== 'UNAVAILABLE') throw error;
      log.warn({ reason: error.message }, 'how long no server was at work could not be noted');
    });
    const sealing = { store: sealRotation.store, sealKey, sealRotation, signingKeyring, keysOf };
    return await run({ config, log, clock, random, ended, standby, ...sealing });
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
  readonly sealKey: SealKeyring;
  readonly sealRotation: SealRotation;
  readonly signingKeyring: SigningKeyring;
  readonly keysOf: KeysOf;
  readonly standby: ServerStandby;
  readonly ended: PromiseWithResolvers<void>;
}

async function run(parts: Parts): Promise<RunningServer> {
  const { config, log, clock, random, store, standby, ended } = parts;
  const { sealKey, sealRotation, signingKeyring, keysOf } = parts;
  const own: OwnListener[] = [];
  const policy = addressPolicy(config, own);
  const directory = createDirectory({ store });
  const { egressProxy } = config;
  const userAgent = `Carillon/${VERSION}`;
  const sender = createSender({
    clock,
    policy,
    originConnectionsMax: config.originInFlightMax,
    maySend: () => node.maySend(),
    ...(egressProxy !== undefined && { egressProxy }),
  });
  const lettingIn = createLettingIn({ sender, clock, userAgent });
  const holds = (shard: number): boolean => dispatcher.holds(shard);
  const scheduler = createScheduler({ store, holds, directory, clock, random, log });
  const sweeper = createSweeper({ store, clock, log, settings: config });
  const namespaces = createNamespaceDirectory({ store });
  const publishing = { store, directory, clock, random, log, settings: config };
  const quotas = { waitingMax: config.namespaceWaitingMax };
  const admission = createAdmission({ namespaces, clock, quotas });
  // What Carillon itself has to say is no matter of its namespace's quotas.
  const announcer = createAnnouncer({ publisher: createPublisher(publishing), log });
  const sending = {
    ...{ store, sender: lettingIn, clock, random, log },
    credentialsOf: credentialsWith(sealKey),
    notify: announcer.announce,
    settings: { ...config, userAgent },
  };
  const dispatcher = createIncarnations({
    ...{ ...sending, directory, keysOf, isOnStandby: standby.isOn },
    maySend: () => node.maySend(),
    wake: () => loops.dispatch.wake(),
  });
  const node = createNode({
    ...{ store, clock, log, lanes: dispatcher, breakOff: sender.breakOff },
    onMoved: () => {
      scheduler.changed('ALL');
      loops.schedule.wake();
      loops.dispatch.wake();
    },
  });
  const consents = createConsents(sending);
  directory.onChange((changed) => {
    scheduler.changed(changed);
    dispatcher.changed(changed);
    sweeper.hurry();
  });

  const keyring = await openKeyring(parts);
  const tls = await tlsOf(parts);
  const api = createApi({
    control: createControl({
      onKeys: keyring.refresh,
      onTakeOver: standby.end,
      store,
      namespaces,
      clock,
      random,
      sealKey,
      sealRotation,
      signingKeyring,
      settings: { ...config, addressPolicy: policy },
      onUnverified: (webhook) => warnOfUnverified(log, webhook),
    }),
    door: keyring,
    publisher: createPublisher({ ...publishing, admission }),
    replayer: createReplayer({ ...publishing, namespaces }),
    clock,
    random,
    log,
    settings: {
      ...config,
      about: { version: VERSION, timeZoneRules: clock.zoneRules },
      inflow: { bytesMax: config.workBytesMax ?? workBytesOf(getHeapStatistics().heap_size_limit) },
    },
  });
  const inbox = config.inbox
    ? createInbox({
        clock,
        log,
        verify: inboxVerify({ store, directory, keysOf, clock }),
        allowedHosts: config.allowedHosts,
        door: keyring,
        proxies: config,
      })
    : undefined;
  const listener = await createListener({
    handler: createFront({
      api,
      inbox,
      jwks: createJwks({ keys: signingKeyring, namespaces, allowedHosts: config.allowedHosts }),
      probes: createProbes(api.health),
      outbox: api.services.outbox,
      corsOrigins: config.corsOrigins,
    }),
    ...config.listen,
    limits: { connectionsMax: config.connectionsMax },
    ...(tls && { tls }),
    onError: (error) => log.error({ reason: (error as Error).message }, 'a request could not be handled'),
  });

  const grpc = createGrpcServer({
    services: api.services,
    settings: config,
    log,
    clock,
    ...(tls && { tls }),
  });
  const grpcAddress = await listenOr(grpc, config, () => listener.close(0));
  own.push({ ...listener.address, hasInbox: config.inbox });
  if (grpcAddress !== undefined) own.push({ ...grpcAddress, hasInbox: false });
  const hint = hostsHint([listener.address, ...(grpcAddress ? [grpcAddress] : [])], config);
  if (hint !== undefined) log.info({}, hint);

  const common = { restMs: 0, clock, log };
  const loops = {
    directory: startLoop({ ...common, name: 'directory', tick: directory.refresh, idleMs: () => 1_000 }),
    schedule: startLoop({
      ...{ ...common, name: 'scheduler' },
      ...standby.heeding(scheduler),
      restMs: SCHEDULER_REST_MS,
    }),
    dispatch: startLoop({ ...common, name: 'dispatcher', ...dispatcher }),
    consents: startLoop({ ...common, name: 'asking for consent', ...standby.heeding(consents) }),
    standby: startLoop({ ...common, name: 'watch on the standby', ...standby }),
    sweep: startLoop({ ...common, name: 'sweeper', ...sweeper }),
    sealing: startLoop({
      ...common,
      name: 'rotation of the key that seals',
      ...sealRotation,
      restMs: SEALING_REST_MS,
    }),
    keys: startLoop({ ...common, name: 'keyring', tick: keyring.tick, idleMs: () => KEY_REFRESH_MS }),
  };
  node.start();
  sealRotation.onBegin(() => loops.sealing.wake());
  standby.onEnd(() => {
    for (const loop of [loops.schedule, loops.dispatch, loops.consents]) loop.wake();
  });
  const certificate =
    tls && startLoop({ name: 'certificate', ...tls, idleMs: () => TLS_REFRESH_MS, restMs: 0, clock, log });
  const unsubscribe = store.onVisible(() => {
    loops.directory.wake();
    loops.dispatch.wake();
  });
  directory.onChange(() => {
    loops.schedule.wake();
    loops.dispatch.wake();
    loops.sweep.wake();
    loops.consents.wake();
  });
  standby.showIn(api.health);
  const watch = createStoreWatch({ store, health: api.health, log });
  // Whatever is wrong is found again, and logged, by the loop.
  await watch.tick().catch(() => {});
  const storeWatch = startLoop({ name: 'watch on the store', ...watch, restMs: 0, clock, log });
  // What the first call would wait for is loaded while nobody waits.
  void api.load();

  async function stopAll(): Promise<void> {
    await Promise.all([storeWatch.stop(), certificate?.stop()]);
    api.health.stop();
    inbox?.close();
    node.retire();
    await loops.schedule.stop();
    await loops.consents.stop();
    await consents.stop();
    // Calls in flight may still need the store, and attempts in flight the dispatcher's settlements.
    const { stopTimeoutMs } = config;
    await Promise.all([
      listener.close(stopTimeoutMs),
      grpc.close(stopTimeoutMs),
      dispatcher.drain(stopTimeoutMs),
    ]);
    await node.stop();
    await announcer.flush();
    unsubscribe();
    await Promise.all([
      loops.dispatch.stop(),
      loops.directory.stop(),
      loops.sweep.stop(),
      loops.keys.stop(),
      loops.sealing.stop(),
      loops.standby.stop(),
    ]);
    // Keys that were used since. A store in trouble keeps nothing from stopping.
    await keyring.tick().catch(() => {});
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

function workBytesOf(heapBytes: number): number {
  return Math.max(WORK_BYTES_MIN, Math.floor(heapBytes * WORK_SHARE));
}

/** The keys that there are, once it is sure that what listens is as open as it is meant to be, and no more. */
async function openKeyring({ config, log, clock, random, store }: Parts): Promise<Keyring> {
  const { bootstrapKey, noKeys, plaintext, tlsCert, clientRoles, trustedProxies, listen, grpcListen } =
    config;
  const keyring = createKeyring({ store, clock, random, open: noKeys, clientRoles });
  await keyring.refresh();
  if (bootstrapKey !== undefined) {
    const { id, revokedAt } = await keyring.addGiven(bootstrapKey);
    if (revokedAt !== undefined) log.warn({ keyId: id }, 'the bootstrap key was revoked, and is not taken');
  }
  const addresses = [listen, ...(grpcListen === 'off' ? [] : [grpcListen])];
  checkExposure({
    addresses,
    db: shownDatabase(config),
    locked: keyring.isLocked(),
    noKeys,
    proxied: trustedProxies.length > 0,
    tls: tlsCert !== undefined,
    plaintext,
  });
  return keyring;
}

/** Rejects with FAILED_PRECONDITION for a certificate that cannot be used. */
async function tlsOf({ config, clock, log }: Parts): Promise<Tls | undefined> {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa, tlsClientAuth: clientAuth } = config;
  if (cert === undefined || key === undefined) return undefined;
  return openTls({ paths: { cert, key, clientCa }, clientAuth, clock, log });
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
