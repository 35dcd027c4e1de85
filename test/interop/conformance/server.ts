// The server that connectconformance tests: `node server.ts <shared|native> <image of its proto files> [<key>]`. The
// service is the suite's own; the listener, the transport and the guard are those of the product. With a key, no call
// is taken without it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createServiceImplSpec, type ServiceImpl } from '@connectrpc/connect';
import { createKeyring } from '../../../src/control/keyring.ts';
import type { Door } from '../../../src/domain/access/door.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import { mountServices } from '../../../src/rpc/api.ts';
import { lazyRules } from '../../../src/rpc/proto-rules.ts';
import { createGuard } from '../../../src/rpc/transport/guard.ts';
import type { Address } from '../../../src/server/listen/bind.ts';
import { createFront } from '../../../src/server/listen/front.ts';
import { createGrpcServer } from '../../../src/server/listen/grpc-listener.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { openTls, type Tls } from '../../../src/server/tls/tls.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import { OPEN_DOOR } from '../../support/door.ts';
import { type Credentials, loadSchema, type ServerRequest } from './schema.ts';
import { conformanceService } from './service.ts';

/** A length stands before each message on the pipes. */
const LENGTH_BYTES = 4;
const ANY_PORT: Address = { host: '127.0.0.1', port: 0 };

const [port, image = '', key] = process.argv.slice(2);
const schema = loadSchema(image);
const { messageReceiveLimit, useTls, serverCreds } = fromBinary(
  schema.message('ServerCompatRequest'),
  readFileSync(process.stdin.fd).subarray(LENGTH_BYTES),
) as ServerRequest;

/** Prints what the product calls an error of its own, for the test to see; not that a call has ended with INTERNAL. */
const log = {
  debug() {},
  info() {},
  warn() {},
  error: ({ err }: { readonly err?: unknown }, message: string) => {
    if (err !== undefined) console.error(message, err);
  },
} as unknown as Log;
const implementation = conformanceService(schema) as unknown as Partial<ServiceImpl<typeof schema.service>>;
const services = {
  mounted: [createServiceImplSpec(schema.service, implementation)],
  guard: createGuard({
    rules: lazyRules(),
    selfChecking: new Set(),
    checkNamespace: () => {},
    accessTo: () => 'READ',
    door: key === undefined ? OPEN_DOOR : await lockedDoor(key),
    policy: { allowedHosts: [], corsOrigins: [] },
    report(reason) {
      log.error({ err: reason }, 'an RPC failed for a reason nobody foresaw');
      return 'of the conformance test';
    },
  }),
};
const settings = { messageBytesMax: messageReceiveLimit, connectionsMax: 1000 };

const tls = useTls ? await openTlsWith(serverCreds!) : undefined;
const { address, close } = port === 'native' ? await listenNative() : await listenShared();
process.once('SIGTERM', () => void close(0));
const response = toBinary(
  schema.message('ServerCompatResponse'),
  create(schema.message('ServerCompatResponse'), {
    ...address,
    ...(tls !== undefined && { pemCert: serverCreds!.cert }),
  }),
);
const length = Buffer.alloc(LENGTH_BYTES);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));

/** TLS from files, as the product has it, with the certificate that the suite trusts. */
async function openTlsWith({ cert, key }: Credentials): Promise<Tls> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-conformance-'));
  try {
    const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
    return await openTls({ paths, clock: systemClock, log });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function lockedDoor(key: string): Promise<Door> {
  // Loaded when it is needed: the suite gives a server ten seconds to start.
  const { openMemoryStore } = await import('../../support/store.ts');
  const store = await openMemoryStore();
  const keyring = createKeyring({ store, clock: systemClock, random: systemRandom(), open: false });
  await keyring.addGiven(key);
  return keyring;
}

async function listenShared() {
  const deps = { clock: systemClock, log, settings, registry: schema.registry };
  const api = mountServices(services, deps);
  return createListener({
    handler: createFront({ api, inbox: undefined, jwks: () => false, probes: () => false, corsOrigins: [] }),
    ...ANY_PORT,
    ...(tls && { tls }),
    onError: (err) => log.error({ err }, 'a request could not be handled'),
  });
}

async function listenNative() {
  const server = createGrpcServer({ services, settings, log, clock: systemClock, ...(tls && { tls }) });
  return { address: await server.listen(ANY_PORT), close: server.close };
}
