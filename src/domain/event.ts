/** The type of the event that is a run of a schedule, or a trigger. */
export const RUN_EVENT_TYPE = 'carillon.run';

/** Something to tell webhooks. Immutable. Here it is a run, addressed to one webhook. */
export interface Event {
  readonly id: string;
  readonly namespace: string;
  readonly type: string;
  /** The nominal time, for a scheduled run; undefined for a trigger. */
  readonly nominalAt?: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly createdAt: number;
}

/** What a request needs of an event. */
export type EventBody = Pick<Event, 'id' | 'contentType' | 'body' | 'nominalAt'>;
