import { create } from '@bufbuild/protobuf';
import {
  ConsentSchema,
  type ConsentStanding,
  ConsentStandingSchema,
  type Consent as Message,
  ConsentStanding_State as State,
} from '../../../gen/carillon/v1/consent_pb.ts';
import type { AskedConsent, Consent } from '../../domain/webhook/consent.ts';
import { enumPair } from './enum-pair.ts';
import { toTimestamp } from './time.ts';

const STATES = enumPair({ PENDING: State.PENDING, GRANTED: State.GRANTED, REFUSED: State.REFUSED });

export function consentFrom({ origin, requestRate }: Message): AskedConsent {
  return { origin, ...(requestRate !== 0 && { perMinute: requestRate }) };
}

export function consentTo({ origin, perMinute = 0 }: AskedConsent): Message {
  return create(ConsentSchema, { origin, requestRate: perMinute });
}

export function standingTo(consent: Consent): ConsentStanding {
  const { state, reason = '', allowedPerMinute = 0, askedAt, dueAt } = consent;
  return create(ConsentStandingSchema, {
    state: STATES.toProto(state),
    reason,
    allowedRate: allowedPerMinute,
    ...(askedAt !== undefined && { askTime: toTimestamp(askedAt) }),
    ...(dueAt !== null && { nextAskTime: toTimestamp(dueAt) }),
  });
}
