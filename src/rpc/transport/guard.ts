import type { IncomingHttpHeaders } from 'node:http';
import type { DescMessage, DescMethod, Message } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import { authorizationIn } from '../../domain/access/authorization.ts';
import type { Door } from '../../domain/access/door.ts';
import { type HostPolicy, hostsOf, judgeHosts, type RequestHead } from '../../domain/access/host.ts';
import { judgeOrigin, type OriginPolicy } from '../../domain/access/origin.ts';
import type { Line } from '../../domain/access/peer.ts';
import { ANONYMOUS, type Principal, shownBy } from '../../domain/access/principal.ts';
import { mayDo, type Role } from '../../domain/access/role.ts';
import { NO_PROXIES, type ProxyPolicy, type Source, sourceOf } from '../../domain/access/source.ts';
import { systemClock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import { noProblems } from '../../domain/problems.ts';
import { toConnectError } from '../errors.ts';
import { namespaceNamedBy, theNamespace } from '../namespace.ts';
import type { Rules } from '../proto-rules.ts';
import type { Access } from '../roles.ts';
import type { Auditing } from './audited.ts';
import { type Admit, type Call, callKey, noteFields } from './call.ts';
import { wentAway, whyEnded } from './failures.ts';
import { createInflow, type Inflow } from './inflow.ts';
import { createOutbox, type Outbox, type Outgoing } from './outbox.ts';
import { followTaking, STALL_MS } from './stall.ts';

export interface GuardDeps {
  readonly rules: Rules;
  /** Methods whose handlers check the rules of the message, to report them together with what else is wrong. */
  readonly selfChecking: ReadonlySet<DescMethod>;
  /** Raises what keeps callers out of a namespace: that there is none, or that it is being deleted. */
  readonly checkNamespace: (name: string) => void | Promise<void>;
  /** What a caller needs to call a method. */
  readonly accessTo: (method: DescMethod) => Access;
  readonly door: Door;
  /** Which names the server may be called by, from which pages, and through which proxies. */
  readonly policy: HostPolicy & OriginPolicy & Partial<ProxyPolicy>;
  /** Logs the cause of an INTERNAL answer and returns the id it is logged under. */
  readonly report: (reason: unknown, call: Call | undefined) => string;
  /** Hears of every call that is refused for what its caller may do, before that is answered. */
  readonly refused?: Auditing['refused'];
  readonly stallMs?: number;
  /** Bounds what callers leave unread; with its own limits when not given. */
  readonly outbox?: Outbox;
  /** Bounds what requests take in memory; with its own limits when not given. */
  readonly inflow?: Inflow;
}

/**
 * What every RPC has around it, whichever port and protocol it comes by. Each carrier calls `begin` in
 * one place, when a call has arrived and before any of its messages:
 *
 * - Connect, gRPC, gRPC-Web and REST: `createReception` of `transport/reception.ts`;
 * - native gRPC: `serve` of `native/calls.ts`.
 *
 * Each message then passes what `begin` returned: in `guardInterceptor` below, in `transport/unary-json.ts`,
 * and in `native/calls.ts`.
 */
export interface Guard {
  /** Where a request comes from, by its connection, and by its headers where they are those of a trusted proxy. */
  sourceOf(line: Line, headers: IncomingHttpHeaders): Source;
  /**
   * Establishes who calls, by the head of the request and its connection, and whether its role allows the method. Raises UNAUTHENTICATED
   * for a caller without a key or a certificate that is taken, and PERMISSION_DENIED for a role that does not allow the method, for a
   * host that is not this server's, and for a page that may not call it.
   */
  begin(method: DescMethod, head: CallHead, call: Call): Admit;
  /** What the caller is told of a failure, which becomes the code of the call. */
  fail(reason: unknown, call: Call | undefined): ConnectError;
  /** How long a caller may take no message of a stream before it is cut off. */
  readonly stallMs: number;
}

/** The head of a request, as Node has it for HTTP/1.1 and HTTP/2 alike. */
export interface CallHead extends RequestHead {
  readonly headers: IncomingHttpHeaders;
}

export function createGuard({
  rules,
  selfChecking,
  checkNamespace,
  accessTo,
  door,
  policy,
  report,
  refused = () => {},
  stallMs = STALL_MS,
  outbox = createOutbox(systemClock),
  inflow = createInflow(),
}: GuardDeps): Guard {
  /** Undefined where nothing is to be waited for. */
  function checkMessage(
    method: DescMethod,
    message: Message,
    principal: Principal,
    checksItself: boolean,
  ): Promise<void> | undefined {
    const named = namespaceNamedBy(message);
    // Before its rules: whoever may not be here learns nothing else.
    const there = named === undefined ? undefined : checkNamespace(theNamespace(named, principal));
    if (checksItself) return there === undefined ? undefined : Promise.resolve(there);
    return checkRules(method, message, there);
  }

  async function checkRules(
    method: DescMethod,
    message: Message,
    there: void | Promise<void>,
  ): Promise<void> {
    await there;
    const problems = noProblems();
    problems.addAll(await rules.violationsOf(method.input, message));
    problems.raise();
  }

  const proxies: ProxyPolicy = { ...NO_PROXIES, ...policy };

  return {
    stallMs,
    sourceOf: (line, headers) => sourceOf(line, headers, proxies),
    begin(method, head, call) {
      if (method.parent.typeName !== Health.typeName) checkHead(head, policy, call);
      const access = accessTo(method);
      const isOpen = access === 'OPEN';
      const principal = isOpen ? ANONYMOUS : authenticate(door, head, call);
      if (principal.kind === 'KEY') noteFields(call, { keyId: principal.keyId });
      // As it stands in the settings, so it is not cut short as what callers send is.
      if (principal.kind === 'CERTIFICATE') call.fields.certificate = principal.certificate;
      const telling = <T>(check: () => T): T => {
        try {
          return check();
        } catch (reason) {
          refused(method, { principal, address: call.address }, reason);
          throw reason;
        }
      };
      if (!isOpen) telling(() => checkRole(principal, access, call));
      call.principal = principal;
      call.inflow = inflow;
      const checksItself = selfChecking.has(method);
      if (method.methodKind === 'unary') call.outgoing = openAnswer(call, outbox);
      const bytes = answerBytes(method.output);
      const isStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
      return (message) => {
        if (!isOpen) door.admit(principal);
        // A stream is about many things, which its handler sums up.
        if (!isStream) noteFields(call, subjectOf(message, principal));
        const { outgoing } = call;
        const checked = telling(() => checkMessage(method, message, principal, checksItself));
        if (checked === undefined) return outgoing?.room(bytes);
        return outgoing === undefined ? checked : checked.then(() => outgoing.room(bytes));
      };
    },
    fail(reason, call) {
      const error = toConnectError(reason, {
        ...(call && { hiddenPath: call.hiddenPath }),
        report: (cause) => report(cause, call),
      });
      if (call) call.code = codeToString(error.code);
      return error;
    },
  };
}

function openAnswer(call: Call, outbox: Outbox): Outgoing {
  return outbox.open(call.connection, () => {
    noteFields(call, { cutOff: 'it did not read its answer' });
    call.cutOff?.();
  });
}

/**
 * About what is kept free for an answer before it is made. One of a few scalars is small; of others nothing is known,
 * and the largest, with an event or a payload of 1 MiB, are made a few at a time.
 */
function answerBytes({ fields }: DescMessage): number {
  return fields.every(({ fieldKind }) => fieldKind === 'scalar' || fieldKind === 'enum') ? 1024 : 512 * 1024;
}

function authenticate(door: Door, head: CallHead, { address, certificate }: Call): Principal {
  return door.authenticate({ authorization: authorizationIn(head), address, certificate });
}

/** Raises PERMISSION_DENIED, which names the role that would do. */
function checkRole(principal: Principal, needs: Role, { method }: Call): void {
  const { role } = principal;
  if (mayDo(role, needs)) return;
  const [has, needed] = [role.toLowerCase(), needs.toLowerCase()];
  const message = `${method} needs the role ${needed}, and ${shownBy(principal)} has the role ${has}; use a key with the role ${needed}`;
  throw new DomainError('ROLE_TOO_SMALL', message, { metadata: { role: needed } });
}

/** Raises PERMISSION_DENIED, and leaves in the log line what was seen. */
function checkHead(head: CallHead, policy: HostPolicy & OriginPolicy, call: Call): void {
  const hosts = hostsOf(head);
  const byHost = judgeHosts(hosts, policy);
  if (byHost !== 'allow') {
    const metadata = { host: hosts.join(', ') };
    noteFields(call, metadata);
    throw new DomainError('HOST_NOT_ALLOWED', byHost.deny, { metadata });
  }
  const { origin } = head.headers;
  if (origin === undefined) return;
  const byOrigin = judgeOrigin(origin, hosts, policy, call.isSecure);
  if (byOrigin !== 'allow') {
    noteFields(call, { origin });
    throw new DomainError('ORIGIN_NOT_ALLOWED', byOrigin.deny, { metadata: { origin } });
  }
}

/** The guard as Connect wants it: with an end at the caller's deadline. */
export function guardInterceptor(guard: Guard): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callKey);
    try {
      const { admit, decoded } = call ?? {};
      if (admit === undefined || decoded === undefined) throw new Error('a call has come past its carrier');
      let admitted: typeof request;
      if (request.stream) admitted = { ...request, message: admitEach(request.message, decoded, admit) };
      else {
        admitted = { ...request, message: decoded.shift() ?? request.message };
        await admit(admitted.message);
      }
      // What is done goes on when its caller has left, and takes its room until then.
      const { incoming } = call ?? {};
      if (call) call.incoming = undefined;
      const response = await endBy(request.signal, () => next(admitted).finally(() => incoming?.end()));
      if (response.stream) {
        return { ...response, message: guardStream(response.message, request.signal, call, guard) };
      }
      if (call) call.code = 'ok';
      return response;
    } catch (reason) {
      throw guard.fail(reason, call);
    }
  };
}

/**
 * Connect tells a handler of its caller's deadline by a signal and leaves it at that. Here the answer
 * is DEADLINE_EXCEEDED, or CANCELED, as soon as the signal fires; what the handler has begun to write
 * may still be written.
 */
async function endBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw whyEnded(signal);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(whyEnded(signal));
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work(), ended]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function* admitEach(
  messages: AsyncIterable<Message>,
  decoded: (Message | undefined)[],
  admit: Admit,
): AsyncIterable<Message> {
  for await (const given of messages) {
    const message = decoded.shift() ?? given;
    const admitted = admit(message);
    if (admitted !== undefined) await admitted;
    yield message;
  }
}

async function* guardStream<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  call: Call | undefined,
  guard: Guard,
): AsyncIterable<T> {
  const stall = followTaking(call, guard.stallMs);
  try {
    for await (const message of messages) {
      stall.sent();
      try {
        yield message;
      } catch {
        // It could not be written, of which there is one cause.
        throw wentAway();
      }
      stall.took();
    }
    // A handler that waits for what comes next just stops at its caller's deadline.
    if (signal.aborted) throw whyEnded(signal);
    if (call) call.code = 'ok';
  } catch (reason) {
    throw guard.fail(reason, call);
  } finally {
    stall.end();
    // The caller stopped reading before the end.
    if (call) call.code ??= codeToString(Code.Canceled);
  }
}

/** Whom a request is about, for the log line: ids and the namespace, wherever a message has them. */
function subjectOf(message: Message, principal: Principal): Record<string, string> {
  const fields: Record<string, string> = {};
  const read = (from: object, name: string, as: string) => {
    const value = (from as Record<string, unknown>)[name];
    if (typeof value === 'string') fields[as] = value;
  };
  read(message, 'namespace', 'namespace');
  read(message, 'webhookId', 'webhookId');
  read(message, 'id', idOf(message.$typeName));
  if ('webhook' in message && typeof message.webhook === 'object' && message.webhook !== null) {
    read(message.webhook, 'namespace', 'namespace');
    read(message.webhook, 'id', 'webhookId');
  }
  if ('event' in message && typeof message.event === 'object' && message.event !== null) {
    read(message.event, 'namespace', 'namespace');
    read(message.event, 'id', 'eventId');
    read(message.event, 'type', 'eventType');
  }
  if (fields.namespace === '') fields.namespace = theNamespace('', principal);
  return fields;
}

/** What the `id` of a request is of. */
function idOf(typeName: string): string {
  if (typeName.includes('Delivery')) return 'deliveryId';
  return typeName.includes('Event') ? 'eventId' : 'webhookId';
}
