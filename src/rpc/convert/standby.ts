import { create } from '@bufbuild/protobuf';
import {
  Standby_Reason as Reason,
  type Standby,
  StandbySchema,
} from '../../../gen/carillon/v1/standby_pb.ts';
import type { Standby as DomainStandby, StandbyReason } from '../../domain/standby.ts';
import { toTimestamp } from './time.ts';

const REASONS: Readonly<Record<StandbyReason, Reason>> = {
  RESTORED: Reason.RESTORED,
  IMPORTED: Reason.IMPORTED,
  // No server serves such a store.
  IMPORTING: Reason.UNSPECIFIED,
};

export function standbyTo({ reason, since }: DomainStandby): Standby {
  return create(StandbySchema, { reason: REASONS[reason], copyTime: toTimestamp(since) });
}
