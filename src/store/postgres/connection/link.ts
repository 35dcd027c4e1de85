import type { Session } from './driver.ts';

/** The connection to the database, which is made again when it is lost. */
export interface Link {
  /** The session that there is. Raises when there is none. */
  readonly session: () => Session;
  /** Resolves when there is one, however long that takes; to false when the link was closed instead. */
  readonly ready: () => Promise<boolean>;
  readonly isUp: () => boolean;
  /** Calls back when the session is lost, and when there is another. */
  readonly onChange: (listener: (isUp: boolean) => void) => void;
  /** Why there is none. */
  readonly trouble: () => unknown;
  readonly close: () => Promise<void>;
}

/** Connects again after a while that doubles. */
const RETRY_MS = 50;
const RETRY_MAX_MS = 2_000;

export interface LinkDeps {
  /** A session that is there already. */
  readonly first: Session;
  /** Another one, after one that was lost, whose process may not be gone yet. */
  readonly again: (lost: Session) => Promise<Session>;
}

export function createLink({ first, again }: LinkDeps): Link {
  let session = first;
  let why: unknown;
  let closed = false;
  let stopWaiting: () => void = () => {};
  const listeners: ((isUp: boolean) => void)[] = [];
  const waiting = new Set<(isUp: boolean) => void>();

  const isUp = (): boolean => !closed && !session.isLost();
  const tell = (up: boolean): void => {
    for (const listener of listeners) listener(up);
  };

  function watch(watched: Session): void {
    watched.onLost(() => {
      why ??= new Error('the connection was lost');
      tell(false);
      void renew(watched);
    });
  }

  async function renew(lost: Session): Promise<void> {
    for (let delayMs = RETRY_MS; !closed; delayMs = Math.min(2 * delayMs, RETRY_MAX_MS)) {
      try {
        const found = await again(lost);
        if (closed) return await found.close();
        session = found;
        why = undefined;
        watch(found);
        tell(true);
        release(true);
        return;
      } catch (error) {
        why = error;
      }
      await pause(delayMs);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      stopWaiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function release(up: boolean): void {
    const released = [...waiting];
    waiting.clear();
    for (const resolve of released) resolve(up);
  }

  watch(first);
  return {
    session: () => session,
    isUp,
    ready() {
      if (isUp() || closed) return Promise.resolve(!closed);
      return new Promise((resolve) => void waiting.add(resolve));
    },
    onChange: (listener) => void listeners.push(listener),
    trouble: () => why,
    async close() {
      closed = true;
      stopWaiting();
      release(false);
      await session.close();
    },
  };
}
