import type { AuditEntry, AuditedCall, Changes } from '../domain/access/audit.ts';
import type { Condition } from '../domain/listing/condition.ts';
import type { Part } from './delivery-log.ts';

/** Who changed what. Which errors the port raises, and when, is said in `store.ts`. */
export interface AuditLog {
  /**
   * Does `work` for a call: what verbs change for it, in whatever they are called, is entered in the audit log in the
   * transaction that changes it. So there is no change without its entry, and no entry of what did not take place.
   * A call has one entry in each namespace in which it changes something; `entered` hears of each addition to one, after
   * it is committed and before the verb resolves. Raises what `work` raises.
   */
  onBehalf<T>(
    call: AuditedCall,
    work: () => Promise<T>,
    entered: (namespace: string | undefined, changes: Changes) => void,
  ): Promise<T>;

  /** Enters calls that were refused. Raises UNAVAILABLE and EXHAUSTED. */
  enterRefusals(batch: readonly AuditEntry[]): Promise<void>;

  /**
   * Entries by id, so about by time. A part of the list, made in one go: it looks at a bounded number of rows, and can be
   * short or empty though more follows. `sweep` deletes entries made before `finishedBefore`, and those of a namespace with
   * it. Raises UNAVAILABLE and EXHAUSTED.
   */
  scanAuditEntries(query: AuditQuery): Promise<Part<AuditEntry>>;
}

export interface AuditQuery {
  /** Only entries of this namespace; undefined for all, those that are in none too. */
  readonly namespace: string | undefined;
  readonly descending: boolean;
  /** Only what follows this id in the order asked for. */
  readonly after?: string;
  readonly limit: number;
  /** Only what was entered at this time or later, and before that one. */
  readonly since?: number;
  readonly until?: number;
  /** Only those for which this is true. It is judged row by row. */
  readonly where?: Condition;
}
