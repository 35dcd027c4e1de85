import { create } from '@bufbuild/protobuf';
import {
  type SealKeyRotation,
  SealKeyRotationSchema,
  SealKeyRotation_State as State,
} from '../../../gen/carillon/v1/seal_key_pb.ts';
import type { SealRotationStatus } from '../../control/key-rotation.ts';
import { toTimestamp } from './time.ts';

export function sealRotationTo(status: SealRotationStatus): SealKeyRotation {
  const { isRunning, keyId, olderKeyIds, place, startedAt, endedAt, olderKnownUntil } = status;
  return create(SealKeyRotationSchema, {
    state: isRunning ? State.RUNNING : State.DONE,
    keyId,
    olderKeyIds: [...olderKeyIds],
    place,
    checkedCount: BigInt(status.checked),
    totalCount: BigInt(status.total),
    resealedCount: BigInt(status.resealed),
    unreadableCount: BigInt(status.unreadable),
    startTime: toTimestamp(startedAt),
    ...(endedAt !== undefined && { endTime: toTimestamp(endedAt) }),
    ...(olderKnownUntil !== undefined && { olderKnownTime: toTimestamp(olderKnownUntil) }),
  });
}
