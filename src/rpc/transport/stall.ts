import { type Call, noteFields } from './call.ts';

/** How long a caller may take no message of a stream. */
export const STALL_MS = 60_000;

/** Cuts off a caller who does not read what is sent. Nothing that is sent could tell that caller why. */
export interface Stall {
  /** A message is handed on; `took` must follow in time. */
  sent(): void;
  took(): void;
  /** The call has ended. */
  end(): void;
}

export function followTaking(call: Call | undefined, stallMs: number): Stall {
  let waits = false;
  // One for all messages of the call: it is only moved for each.
  const timer = setTimeout(() => {
    if (waits && call !== undefined) cutOff(call, stallMs);
  }, stallMs);
  timer.unref();
  return {
    sent() {
      waits = true;
      timer.refresh();
    },
    took() {
      waits = false;
    },
    end: () => clearTimeout(timer),
  };
}

/** The same for one message. */
export async function taken(done: Promise<void>, call: Call, stallMs: number): Promise<void> {
  const stall = followTaking(call, stallMs);
  stall.sent();
  try {
    await done;
  } finally {
    stall.end();
  }
}

function cutOff(call: Call, stallMs: number): void {
  noteFields(call, { cutOff: `it took no message for ${stallMs} ms` });
  call.cutOff?.();
}
