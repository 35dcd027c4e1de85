/** The API on real sockets and a real store, with clients of every protocol. */
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before } from 'node:test';
import { createRegistry } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { BadRequestSchema, file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { type Control, createControl } from '../../src/control/control.ts';
import type { ControlDeps, ControlSettings } from '../../src/control/deps.ts';
import { createKeyring, type Keyring } from '../../src/control/keyring.ts';
import type { KeyOrder, NewKey } from '../../src/control/keys.ts';
import type { SealRotation } from '../../src/control/seal-rotation.ts';
import type { WatchLimits } from '../../src/control/watch.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { type Random, systemRandom } from '../../src/domain/random.ts';
import { LOOPBACK, parseCidrs } from '../../src/domain/webhook/address.ts';
import { createAdmission } from '../../src/publish/admission.ts';
import { createPublisher } from '../../src/publish/publisher.ts';
import { createReplayer } from '../../src/publish/replayer.ts';
import { type Api, createApi } from '../../src/rpc/api.ts';
import type { ApiDeps, ApiSettings } from '../../src/rpc/deps.ts';
import { createDirectory } from '../../src/store/directory.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import { openSigningKeyring } from '../../src/store/signing-keyring.ts';
import type { Store } from '../../src/store/store.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { type LogLine, watchedLog } from './log.ts';
import { openRotation } from './seal-rotation.ts';
import { openMemoryStore, T0 } from './store.ts';

export interface RunningApi extends AsyncDisposable {
  readonly api: Api;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly lines: readonly LogLine[];
  /** Waits for a line of the log: it is written when a call has ended, which its caller may know sooner. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** HTTP/1.1. */
  readonly url: string;
  /** HTTP/2 without TLS. */
  readonly url2: string;
  readonly sealKey: Uint8Array;
  /** Its steps are made by the test that wants them. */
  readonly sealRotation: SealRotation;
  readonly control: Control;
  readonly keyring: Keyring;
  /** Makes a key, without a call. */
  makeKey(order?: Partial<KeyOrder>): Promise<NewKey>;
  /** A client of the Connect protocol over HTTP/1.1. */
  readonly webhooks: Client<typeof WebhookService>;
  readonly deliveries: Client<typeof DeliveryService>;
  readonly events: Client<typeof EventService>;
  readonly transports: Readonly<Record<'connect' | 'connectJson' | 'grpc' | 'grpcWeb', Transport>>;
}

/** How long a caller's id for an event is remembered. */
const DAY_MS = 86_400_000;

export interface ApiOptions {
  /** Takes calls with keys only, once there is one; else everybody may call. */
  readonly locked?: boolean;
  /** The machine's own when not given. */
  readonly random?: Random;
  readonly settings?: Partial<TestSettings>;
  /** Replaces parts of what the API and its use cases work with. */
  readonly deps?: (parts: ApiParts) => ApiParts;
}

interface TestSettings extends ApiSettings, ControlSettings {
  readonly watch?: Partial<WatchLimits>;
}

/** What the API and its use cases are made of. */
interface ApiParts extends Omit<ApiDeps, 'control' | 'settings'>, ControlDeps {
  readonly settings: TestSettings;
}

/** Starts the API with loopback destinations allowed, at `T0`, with every service SERVING. */
export async function startApi(options: ApiOptions = {}): Promise<RunningApi> {
  const opened = await openMemoryStore();
  const clock = manualClock(T0);
  const random = options.random ?? systemRandom();
  const { log, lines, line } = watchedLog();
  const sealKey = new Uint8Array(32).fill(7);
  const { keyring: sealKeys, rotation: sealRotation } = await openRotation({
    store: opened,
    clock,
    log,
    keys: [sealKey],
    random,
  });
  await sealRotation.begin();
  const { store } = sealRotation;
  const directory = createDirectory({ store });
  const namespaces = createNamespaceDirectory({ store });
  const publishing = { store, directory, namespaces, clock, random, log };
  const admission = createAdmission({ namespaces, clock, quotas: { waitingMax: 1_000_000 } });
  const parts: Omit<ApiParts, 'door'> = {
    store,
    namespaces,
    clock,
    random,
    log,
    sealKey: sealKeys,
    sealRotation,
    signingKeyring: await openSigningKeyring({ store, clock, random, sealKey: sealKeys }),
    publisher: createPublisher({ ...publishing, admission, settings: { idempotencyWindowMs: DAY_MS } }),
    replayer: createReplayer(publishing),
    settings: {
      everyMinMs: 1000,
      namespaceWaitingMax: 1_000_000,
      defaultEveryMs: 5000,
      addressPolicy: { allow: parseCidrs(LOOPBACK) },
      allowedHosts: [],
      corsOrigins: [],
      messageBytesMax: 4 * 1024 * 1024,
      ...options.settings,
    },
  };
  const keyring = createKeyring({ store, clock, random, open: options.locked !== true });
  const whole = { ...parts, door: keyring };
  const deps = options.deps ? options.deps(whole) : whole;
  const { watch } = deps.settings;
  const control = createControl({
    ...deps,
    onKeys: keyring.refresh,
    ...(watch && { watchLimits: watch }),
  });
  const api = createApi({ ...deps, control });
  api.health.serve();

  const http = createServer((request, response) => {
    if (!api.handle(request, response)) response.writeHead(404).end('not of the API');
  });
  const http2 = createHttp2Server((request, response) => {
    if (!api.handle(request, response)) response.writeHead(404).end('not of the API');
  });
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => sessions.add(session.once('close', () => sessions.delete(session))));
  const url = await listen(http);
  const url2 = await listen(http2);

  const connect = createConnectTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat: true });
  const connectJson = createConnectTransport({
    baseUrl: url,
    httpVersion: '1.1',
    useBinaryFormat: false,
    jsonOptions: { registry: createRegistry(file_google_rpc_error_details) },
  });
  const grpc = createGrpcTransport({ baseUrl: url2, idleConnectionTimeoutMs: 1 });
  const grpcWeb = createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' });
  return {
    api,
    store,
    clock,
    lines,
    line,
    url,
    url2,
    sealKey,
    sealRotation,
    control,
    keyring,
    makeKey: (order) =>
      control.keys.create(
        { namespace: undefined, role: 'READ', note: '', callsPerSecond: 0, ...order },
        noProblems(),
      ),
    webhooks: createClient(WebhookService, connect),
    deliveries: createClient(DeliveryService, connect),
    events: createClient(EventService, connect),
    transports: { connect, connectJson, grpc, grpcWeb },
    async [Symbol.asyncDispose]() {
      api.health.stop();
      http.closeAllConnections();
      for (const session of sessions) session.destroy();
      await Promise.all([closed(http), closed(http2)]);
      await store.close();
    },
  };
}

/** One API for all tests of a block, which keep out of each other's way by the names they use. */
export function sharedApi(options: ApiOptions = {}): () => RunningApi {
  let running: RunningApi | undefined;
  before(async () => {
    running = await startApi(options);
  });
  after(() => running?.[Symbol.asyncDispose]());
  return () => {
    if (running === undefined)
      throw new Error('it is started before the first test, not while tests are declared');
    return running;
  };
}

async function listen(server: Server | Http2Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server | Http2Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** What a call is refused with. Fails when it is not refused. */
export async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('the call was not refused');
}

/** The fields that an INVALID_ARGUMENT names, with what it says about each. */
export async function violations(call: Promise<unknown>): Promise<Record<string, string>> {
  const error = await refusal(call);
  if (error.code !== Code.InvalidArgument) throw error;
  return fieldsOf(error);
}

export function fieldsOf(error: ConnectError): Record<string, string> {
  const [details] = error.findDetails(BadRequestSchema);
  return Object.fromEntries(
    (details?.fieldViolations ?? []).map(({ field, description }) => [field, description]),
  );
}

/** An error of the Connect protocol in JSON, as fetch gets it. */
export interface JsonError {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly debug?: unknown }[];
}

/** The fields that an error in JSON names. */
export function jsonFieldsOf(error: JsonError): string[] {
  const bad = error.details?.find(({ type }) => type === 'google.rpc.BadRequest')?.debug;
  const found = (bad as { fieldViolations?: { field?: string }[] } | undefined)?.fieldViolations ?? [];
  return found.map(({ field = '' }) => field);
}
