import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import { quote } from '../../domain/text.ts';
import { CLIENT_VARIABLES } from '../../server/config/settings.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';
import type { Trust } from './trust.ts';

/** Where a server of this machine is, unless it was told otherwise. */
export const DEFAULT_ADDRESS = 'http://127.0.0.1:8090';
/** How long a call may take; a stream has no end. */
const CALL_MS = 60_000;

/** The services of a server, over Connect and HTTP/1.1, which passes every proxy. */
export interface Connection {
  readonly address: string;
  readonly webhooks: Client<typeof WebhookService>;
  readonly events: Client<typeof EventService>;
  readonly deliveries: Client<typeof DeliveryService>;
  readonly admin: Client<typeof AdminService>;
  readonly health: Client<typeof Health>;
}

/** Nothing is sent before the first call. Raises UsageError for an address that is none. */
export function connect(
  invocation: Pick<Invocation, 'flags'>,
  env: Readonly<Record<string, string | undefined>>,
  { apiKey, trust = {} }: { readonly apiKey?: string | undefined; readonly trust?: Trust } = {},
): Connection {
  const [flag, variable] = [flagValue(invocation, '--address'), env[CLIENT_VARIABLES.address]];
  const address = readAddress(
    flag ?? (variable || DEFAULT_ADDRESS),
    flag === undefined ? CLIENT_VARIABLES.address : '--address',
  );
  const transport = createConnectTransport({
    baseUrl: address,
    httpVersion: '1.1',
    defaultTimeoutMs: CALL_MS,
    ...(address.startsWith('https:') && { nodeOptions: trust }),
    interceptors: apiKey === undefined ? [] : [withKey(apiKey)],
  });
  return {
    address,
    webhooks: createClient(WebhookService, transport),
    events: createClient(EventService, transport),
    deliveries: createClient(DeliveryService, transport),
    admin: createClient(AdminService, transport),
    health: createClient(Health, transport),
  };
}

/** The environment names the tenant where no option does. */
export function withNamespace(
  invocation: Invocation,
  env: Readonly<Record<string, string | undefined>>,
): Invocation {
  const named = env[CLIENT_VARIABLES.namespace];
  if (named === undefined || named === '' || invocation.flags.has('--namespace')) return invocation;
  return { ...invocation, flags: new Map([...invocation.flags, ['--namespace', [named]]]) };
}

function withKey(apiKey: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${apiKey}`);
    return next(request);
  };
}

/** With a scheme, or `host:port` for http, or `:port` for one on this machine. */
function readAddress(text: string, from: string): string {
  const near = /^:\d+$/.test(text) ? `127.0.0.1${text}` : text;
  const url = /^[a-z]+:\/\//i.test(near) ? near : `http://${near}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash) {
    throw new UsageError(
      `${from}: ${quote(text)} is not allowed; give an http or https URL such as ${DEFAULT_ADDRESS}, or :8090 on this machine`,
    );
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UsageError(
      `${from} must not hold a user or a password; the API takes a key, in ${CLIENT_VARIABLES.apiKey}`,
    );
  }
  return url.replace(/\/+$/, '');
}
