import type { AuditedCall, Changes } from '../../domain/access/audit.ts';
import type { CallSize } from '../rows/bytes.ts';
import type { Answer, Args, Verb } from './shapes.ts';

/** What an adapter does for the port: it runs calls of verbs, each of which is one transaction. */
export interface Client {
  /**
   * Sends a call; calls are answered in their order. `decode` runs in that order too, before the
   * promise resolves. Raises UNAVAILABLE and EXHAUSTED, as the port says.
   */
  call<V extends Verb, T>(
    verb: V,
    args: Args<V>,
    size: CallSize,
    decode: (answer: Answer<V>) => T,
  ): Promise<T>;
  /** Does work, of which every call of a verb that changes something is made for `by`: see `AuditLog.onBehalf`. */
  onBehalf<T>(
    by: AuditedCall,
    work: () => Promise<T>,
    entered: (namespace: string | undefined, changes: Changes) => void,
  ): Promise<T>;
  /** Refuses new calls, waits for the answers to the others, and lets the database go. */
  close(): Promise<void>;
}
