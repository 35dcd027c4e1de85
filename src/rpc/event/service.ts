import type { ServiceImpl } from '@connectrpc/connect';
import type { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { dataTo, eventTo } from '../convert/event.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import type { StreamLimits } from '../stream-limits.ts';
import { principalOf } from '../transport/principal.ts';
import { listing } from './list.ts';
import { batchPublishing, publishing } from './publish.ts';
import { streamPublishing } from './publish-stream.ts';
import { replaying } from './replay.ts';

export interface EventServiceDeps extends Pick<ApiDeps, 'control' | 'publisher' | 'replayer' | 'clock'> {
  readonly settings: { readonly publishStream?: Partial<StreamLimits> };
  /** Ends the streams that would never end. */
  readonly shutdown: AbortSignal;
}

/** carillon.v1.EventService. What each method does is said in the proto file. */
export function eventService(deps: EventServiceDeps): ServiceImpl<typeof EventService> {
  const { control, settings } = deps;
  return {
    publish: publishing(deps),
    publishBatch: batchPublishing(deps),
    publishStream: streamPublishing({
      ...deps,
      ...(settings.publishStream && { limits: settings.publishStream }),
    }),
    listEvents: listing(deps),
    replayEvents: replaying(deps),

    async getEvent({ id, ...request }, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const event = await control.events.get({ namespace, id });
      return { event: { ...eventTo(event), data: dataTo(event) }, deliveryCount: event.deliveryCount };
    },

    async purgeEvent({ id, ...request }, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const purged = await control.events.purge({ namespace, id });
      return { cancelledCount: purged.cancelled, erasurePending: purged.pending };
    },
  };
}
