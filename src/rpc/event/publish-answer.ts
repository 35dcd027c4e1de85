import { create } from '@bufbuild/protobuf';
import {
  type PublishResponse,
  PublishResponseSchema,
  type PublishResult,
  PublishResultSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { alreadyExists, DomainError } from '../../domain/error.ts';
import type { Published } from '../../publish/publisher.ts';
import { itemError } from '../item-error.ts';

/** What became of an event: how it was published, or what its publisher is told instead. */
export type Answer = PublishResponse | DomainError;

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
      return new DomainError('TOO_MANY_WAITING', 'too many deliveries are waiting; publish again later', {
        metadata: { scope: 'ALL' },
      });
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
  return create(PublishResultSchema, { result: { case: 'error', value: itemError(answer) } });
}
