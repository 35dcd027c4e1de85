import { create } from '@bufbuild/protobuf';
import {
  AuditChange_Kind,
  AuditEntry_CallerKind,
  AuditEntry_Outcome,
  type AuditEntry as AuditEntryMessage,
  AuditEntrySchema,
} from '../../../gen/carillon/v1/audit_pb.ts';
import type { AuditChange, AuditEntry } from '../../domain/access/audit.ts';
import { enumPair } from './enum-pair.ts';
import { toTimestamp } from './time.ts';

const CALLER_KINDS = enumPair({
  ANONYMOUS: AuditEntry_CallerKind.ANONYMOUS,
  KEY: AuditEntry_CallerKind.KEY,
  CERTIFICATE: AuditEntry_CallerKind.CERTIFICATE,
});
const OUTCOMES = enumPair({ DONE: AuditEntry_Outcome.DONE, REFUSED: AuditEntry_Outcome.REFUSED });
const KINDS = enumPair({
  CREATED: AuditChange_Kind.CREATED,
  UPDATED: AuditChange_Kind.UPDATED,
  REMOVED: AuditChange_Kind.REMOVED,
});

export function auditEntryTo(entry: AuditEntry): AuditEntryMessage {
  const { id, namespace = '', at, method, caller, requestId, outcome, reason, changes } = entry;
  return create(AuditEntrySchema, {
    namespace,
    id,
    createTime: toTimestamp(at),
    method,
    callerKind: CALLER_KINDS.toProto(caller.kind),
    caller: caller.id,
    address: caller.address,
    requestId,
    outcome: OUTCOMES.toProto(outcome),
    reason,
    changes: changes.first.map(changeTo),
    changeCount: BigInt(changes.count),
  });
}

function changeTo({ kind, type, id, uid = '', fields = [], before = [], after = [] }: AuditChange) {
  return {
    kind: KINDS.toProto(kind),
    resourceType: type,
    resourceId: id,
    webhookUid: uid,
    fields: [...fields],
    beforeIds: [...before],
    afterIds: [...after],
  };
}
