import { DomainError } from '../../domain/error.ts';
import { type Incoming, UNCOUNTED_BYTES } from '../transport/inflow.ts';
import type { Answer } from './publish-answer.ts';
import { type Judged, sizeOf } from './publish-judge.ts';

/**
 * The events of one stream, between being read and being answered. Three who do not wait for each other
 * unless they must: one reads, one publishes what has come, one takes the answers.
 */
export interface Window {
  /** Reads as long as there is room. Resolves when nothing more is read. */
  read(events: AsyncIterable<Judged>): Promise<void>;
  /** Publishes what has come, all of it at a time, until there is no more. Never rejects. */
  publish(publish: (all: readonly Judged[]) => Promise<Answer[]>): Promise<void>;
  /** The next answer, in order; undefined after the last one. Raises what ended the stream, once all before it is answered. */
  next(): Promise<Answer | undefined>;
  /** Reads nothing more, unless all was read already; raised once what has come is answered. */
  finish(reason: unknown): void;
  /** Reads and publishes nothing more; raised at once. */
  abandon(reason: unknown): void;
}

export interface WindowLimits {
  /** Events whose answers were not taken. */
  readonly unansweredMax: number;
  /** About the memory of events that are not published yet; one more event may be held. */
  readonly bytesMax: number;
}

/** Memory that windows share. */
export interface Room {
  /** Takes bytes, also when there is no room: it is asked for afterwards. */
  take(bytes: number): void;
  free(bytes: number): void;
  full(): boolean;
  /** Resolves when bytes are freed. */
  freed(): Promise<void>;
}

export function createRoom(bytesMax: number): Room {
  const bell = createBell();
  let held = 0;
  return {
    take(bytes) {
      held += bytes;
    },
    free(bytes) {
      held -= bytes;
      bell.ring();
    },
    full: () => held >= bytesMax,
    freed: bell.rung,
  };
}

export function openWindow(
  { unansweredMax, bytesMax }: WindowLimits,
  room: Room,
  incoming?: Incoming,
): Window {
  const changed = createBell();
  let arrived: Judged[] = [];
  let arrivedBytes = 0;
  /** With that of the batch that is being published. */
  let heldBytes = 0;
  let answers: Answer[] = [];
  let taken = 0;
  let unanswered = 0;
  let reading = true;
  let publishing = true;
  let abandoned = false;
  /** What is raised after the last answer. */
  let end: { readonly reason: unknown } | undefined;

  const full = () => unanswered >= unansweredMax || heldBytes >= bytesMax || room.full();

  function add(event: Judged): void {
    const bytes = sizeOf(event);
    arrived.push(event);
    arrivedBytes += bytes;
    heldBytes += bytes;
    unanswered++;
    room.take(bytes);
    incoming?.whole(heldBytes);
    changed.ring();
  }

  function free(bytes: number): void {
    heldBytes -= bytes;
    room.free(bytes);
    incoming?.whole(heldBytes);
  }

  function stopReading(): void {
    reading = false;
    changed.ring();
  }

  async function untilStopped(): Promise<void> {
    while (reading) await changed.rung();
  }

  function takeBatch(): { batch: Judged[]; bytes: number } {
    const taken = { batch: arrived, bytes: arrivedBytes };
    arrived = [];
    arrivedBytes = 0;
    return taken;
  }

  return {
    async read(events) {
      try {
        for await (const event of events) {
          // What comes after the end is not answered, and so its caller sends it again.
          if (!reading) break;
          add(event);
          while (reading && full()) await (room.full() ? room.freed() : changed.rung());
          const waits = reading ? incoming?.room(heldBytes + UNCOUNTED_BYTES) : undefined;
          if (waits !== undefined) await Promise.race([waits, untilStopped()]);
        }
        stopReading();
      } catch (reason) {
        if (!abandoned) end = { reason };
        stopReading();
      }
    },

    async publish(publish) {
      try {
        for (;;) {
          while (arrived.length === 0 && reading) await changed.rung();
          if (arrived.length === 0) return;
          const { batch, bytes } = takeBatch();
          try {
            const more = await publish(batch);
            if (abandoned) return;
            answers = taken === answers.length ? more : [...answers.slice(taken), ...more];
            taken = 0;
          } finally {
            free(bytes);
          }
          changed.ring();
        }
      } catch (reason) {
        end = { reason };
      } finally {
        publishing = false;
        stopReading();
        free(takeBatch().bytes);
      }
    },

    async next() {
      while (taken === answers.length && publishing && !abandoned) await changed.rung();
      const answer = abandoned ? undefined : answers[taken];
      if (answer === undefined) {
        if (end) throw end.reason;
        return undefined;
      }
      taken++;
      unanswered--;
      changed.ring();
      return answer;
    },

    finish(reason) {
      if (!reading) return;
      end = { reason };
      stopReading();
    },

    abandon(reason) {
      abandoned = true;
      end = { reason };
      free(takeBatch().bytes);
      stopReading();
    },
  };
}

/** Answers for events that could not be published for want of room or a database: their caller publishes them again. */
export function answerAll(all: readonly Judged[], reason: unknown): Answer[] {
  if (!(reason instanceof DomainError)) throw reason;
  return all.map((judged) => ('refused' in judged ? judged.refused : reason));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Wakes whoever waits at the time. */
interface Bell {
  ring(): void;
  rung(): Promise<void>;
}

function createBell(): Bell {
  let next = Promise.withResolvers<void>();
  return {
    ring() {
      next.resolve();
      next = Promise.withResolvers();
    },
    rung: () => next.promise,
  };
}
