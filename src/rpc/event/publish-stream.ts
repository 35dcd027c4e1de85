import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { ConnectError, type HandlerContext } from '@connectrpc/connect';
import {
  type PublishStreamRequest,
  type PublishStreamResponse,
  PublishStreamResponseSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import type { Principal } from '../../domain/access/principal.ts';
import { DomainError, invalidRequest } from '../../domain/error.ts';
import { STREAM_LIMITS, type StreamLimits } from '../stream-limits.ts';
import { callKey } from '../transport/call.ts';
import { wentAway } from '../transport/failures.ts';
import { principalOf } from '../transport/principal.ts';
import { type PublishDeps, publishAll } from './publish.ts';
import { isError, resultOf } from './publish-answer.ts';
import { type Judged, judgeAmongOthers } from './publish-judge.ts';
import { answerAll, createRoom, openWindow } from './publish-window.ts';

export interface StreamDeps extends PublishDeps {
  /** Ends every stream, once what has come is answered. */
  readonly shutdown: AbortSignal;
  readonly limits?: Partial<StreamLimits>;
}

type StreamContext = Pick<HandlerContext, 'signal' | 'values'>;

/**
 * EventService.PublishStream. What came while a batch was being committed is the next batch: a slow caller
 * gets each answer soon, and a fast one shares commits with itself.
 */
export function streamPublishing({ publisher, clock, shutdown, limits: given }: StreamDeps) {
  const limits = { ...STREAM_LIMITS, ...given };
  const room = createRoom(limits.bytesMax);
  /** By call. A caller who is gone may never let its generator end, so a stream is let go by its signal too. */
  const open = new Set<StreamContext>();

  return async function* publishStream(
    requests: AsyncIterable<PublishStreamRequest>,
    context: StreamContext,
  ): AsyncIterable<PublishStreamResponse> {
    if (open.size >= limits.streamsMax) {
      const max = open.size;
      throw new DomainError('TOO_MANY_STREAMS', `${max} streams are open already; try again later`, {
        metadata: { max },
      });
    }
    open.add(context);
    const call = context.values.get(callKey);
    const incoming = call?.inflow?.open({ connection: call.connection, patient: true });
    const { unansweredMax, streamBytesMax } = limits;
    const window = openWindow({ unansweredMax, bytesMax: streamBytesMax }, room, incoming);
    const stop = () => window.finish(stopping());
    let published = Promise.resolve();
    const leave = () => {
      open.delete(context);
      void published.then(() => incoming?.end());
      context.signal.removeEventListener('abort', end);
      shutdown.removeEventListener('abort', stop);
    };
    const end = () => {
      leave();
      // Without a reason it is only the request that is over, be it that it could not be read to its end:
      // there may still be somebody who waits for answers.
      if (context.signal.reason instanceof ConnectError) window.abandon(context.signal.reason);
      else window.finish(wentAway());
    };
    context.signal.addEventListener('abort', end);
    shutdown.addEventListener('abort', stop);
    // Counted in the call itself, which is logged as soon as its caller is gone.
    const told = Object.assign(call?.fields ?? {}, { events: 0, refused: 0 });
    try {
      if (shutdown.aborted) stop();
      if (context.signal.aborted) end();
      void window.read(judgeAll(requests, principalOf(context)));
      published = window.publish(publish);
      for (;;) {
        const answer = await window.next();
        if (answer === undefined) return await leftBehind(context.signal);
        told.events++;
        if (isError(answer)) told.refused++;
        yield create(PublishStreamResponseSchema, { result: resultOf(answer) });
      }
    } finally {
      leave();
      window.abandon(undefined);
    }
  };

  async function* judgeAll(
    requests: AsyncIterable<PublishStreamRequest>,
    principal: Principal,
  ): AsyncIterable<Judged> {
    for await (const { request } of requests) {
      yield request === undefined ? NOTHING : judgeAmongOthers(request, principal, clock.now());
    }
  }

  async function publish(all: readonly Judged[]) {
    try {
      return await publishAll(publisher, all);
    } catch (reason) {
      return answerAll(all, reason);
    }
  }
}

/** A stream that was broken off looks at first like one that has ended. Raises why, if that is known by now. */
async function leftBehind(caller: AbortSignal): Promise<void> {
  await setImmediate();
  if (caller.reason instanceof ConnectError) throw caller.reason;
}

const NOTHING: Judged = { refused: invalidRequest([{ field: 'request', description: 'is required' }]) };

function stopping(): DomainError {
  return new DomainError(
    'SERVER_STOPPING',
    'the server is stopping; publish again, on a new stream, what was not answered',
  );
}
