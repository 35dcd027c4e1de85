import type { DescMethod, Message } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, MethodImplSpec } from '@connectrpc/connect';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import type { Control } from '../../control/control.ts';
import { type AuditChange, type AuditEntry, callerOf } from '../../domain/access/audit.ts';
import type { Principal } from '../../domain/access/principal.ts';
import { DomainError } from '../../domain/error.ts';
import type { Log } from '../../telemetry/log.ts';
import { namespaceNamedBy, theNamespace } from '../namespace.ts';
import { type Call, callKey } from './call.ts';
import { principalOf } from './principal.ts';

/**
 * Methods that change something and are not entered in the audit log: each event is a record of its own, and an entry for
 * each would cost as much again.
 */
const PUBLISHING: ReadonlySet<DescMethod> = new Set<DescMethod>([
  EventService.method.publish,
  EventService.method.publishBatch,
  EventService.method.publishStream,
]);

/** Whether what calls of a method change is entered in the audit log: of all that do not say that they change nothing. */
export function isAudited(method: DescMethod): boolean {
  return method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && !PUBLISHING.has(method);
}

export interface Auditing {
  /** The implementation of a method, of which what it changes is entered in the audit log, and logged. */
  audited(spec: MethodImplSpec): MethodImplSpec;
  /** Enters and logs that a call was refused, if that is for what its caller may do. Waits for nothing. */
  refused(method: DescMethod, caller: RefusedCaller, reason: unknown): void;
}

/** Who was refused. */
interface RefusedCaller extends Pick<Call, 'address'> {
  readonly principal: Principal;
  readonly requestId?: string;
}

export function createAuditing({ audit, log }: { audit: Control['audit']; log: Log }): Auditing {
  function refused(method: DescMethod, caller: RefusedCaller, reason: unknown): void {
    if (!isAudited(method) || !(reason instanceof DomainError) || !REFUSALS.has(reason.reason)) return;
    const { principal, address, requestId = '' } = caller;
    const asking = {
      method: nameOf(method),
      caller: callerOf(principal, address),
      requestId,
      // Not that which it named: it may not even know whether that is there.
      namespace: principal.namespace,
    };
    audit.refuse(asking, reason.reason).then(
      (entry) => entry && logEntry(log, entry),
      (error: unknown) =>
        log.error({ rpc: asking.method, err: error }, 'a refusal could not be entered in the audit log'),
    );
  }

  return {
    refused,
    audited(spec) {
      const { method } = spec;
      if (!isAudited(method)) return spec;
      // What would have to be known of a stream when its first message comes.
      if (spec.kind !== 'unary') throw new Error(`${nameOf(method)} changes something, and is a stream`);
      const { impl } = spec;
      return {
        ...spec,
        async impl(message: Message, context: HandlerContext) {
          const principal = principalOf(context);
          const address = context.values.get(callKey)?.address;
          const { requestId = '' } = message as Message & { readonly requestId?: string };
          const named = namespaceNamedBy(message);
          const asking = {
            method: nameOf(method),
            caller: callerOf(principal, address),
            requestId,
            namespace: named === undefined ? principal.namespace : theNamespace(named, principal),
          };
          try {
            const work = async () => impl(message, context);
            return await audit.perform(asking, work, (entry) => logEntry(log, entry));
          } catch (reason) {
            refused(method, { principal, address, requestId }, reason);
            throw reason;
          }
        },
      };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Why a caller that is known may not do what it asks for. */
const REFUSALS: ReadonlySet<string> = new Set(['ROLE_TOO_SMALL', 'NAMESPACE_NOT_ALLOWED']);

function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

function logEntry(
  log: Log,
  { id, method, caller, namespace, requestId, reason, changes, outcome }: AuditEntry,
): void {
  const fields = {
    auditId: id,
    rpc: method,
    callerKind: caller.kind,
    ...(caller.id !== '' && { caller: caller.id }),
    ...(caller.address !== '' && { address: caller.address }),
    ...(namespace !== undefined && { namespace }),
    ...(requestId !== '' && { requestId }),
    outcome,
    ...(reason !== '' && { reason }),
    ...(changes.count > 0 && { changes: changes.first.map(changeText), changeCount: changes.count }),
  };
  log.info(fields, outcome === 'DONE' ? `audit: ${method} was done` : `audit: ${method} was refused`);
}

/** `UPDATED Webhook shop: destination, labels`. */
function changeText({ kind, type, id, fields = [] }: AuditChange): string {
  return `${kind} ${type} ${id}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}`;
}
