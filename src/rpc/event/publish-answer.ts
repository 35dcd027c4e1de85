import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type PublishResponse,
  PublishResponseSchema,
  type PublishResult,
  PublishResultSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { type Status, StatusSchema } from '../../../gen/google/rpc/status_pb.ts';
import { alreadyExists, DomainError, invalidRequest } from '../../domain/error.ts';
import type { Published } from '../../publish/publisher.ts';
import { fromDomain } from '../errors.ts';

/** What became of an event: how it was published, or what its publisher is told instead. */
export type Answer = PublishResponse | DomainError;

/** Violations named of one event among many: the answer must stay below what gRPC clients accept. */
const ITEM_PROBLEMS_MAX = 5;

export function answerOf(published: Published, callerId: string | undefined): Answer {
  switch (published.kind) {
    case 'PUBLISHED':
      return create(PublishResponseSchema, {
        id: published.id,
        deliveryCount: published.deliveries,
        duplicate: published.duplicate,
      });
    case 'CONFLICT':
      return alreadyExists(
        'Event',
        callerId ?? '',
        `an event with the id ${callerId} and other content was published before; give this one another id`,
      );
    case 'FULL':
      return new DomainError(
        'TOO_MANY_WAITING',
        published.scope === 'NAMESPACE'
          ? 'too many deliveries are waiting in this namespace; publish again later'
          : 'too many deliveries are waiting; publish again later',
        { metadata: { scope: published.scope } },
      );
    case 'FAILED':
      return published.error;
    default:
      return published satisfies never;
  }
}

/** Whether it was refused. */
export function isError(answer: Answer): answer is DomainError {
  return answer instanceof Error;
}

/** An answer among others: an error has its code, message and details in it. */
export function resultOf(answer: Answer): PublishResult {
  if (!isError(answer)) {
    return create(PublishResultSchema, { result: { case: 'response', value: answer } });
  }
  const violations = answer.violations.slice(0, ITEM_PROBLEMS_MAX);
  const short = violations.length < answer.violations.length ? invalidRequest(violations) : answer;
  return create(PublishResultSchema, { result: { case: 'error', value: statusOf(short) } });
}

function statusOf(refused: DomainError): Status {
  const error = fromDomain(refused);
  return create(StatusSchema, {
    code: error.code,
    message: error.rawMessage,
    details: error.details.flatMap((detail) =>
      'desc' in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
    ),
  });
}
