/**
 * The port between the house and its database, an interface for each concern. Every verb is one
 * transaction in the words of the domain, takes a batch where there can be more than one, and has been
 * committed durably when its promise resolves. No transaction handle leaks out. One conformance suite
 * (`test/store`) holds every adapter to it.
 *
 * A verb rejects with one of two `DomainError`s; anything else that it rejects with is a bug.
 *
 * - UNAVAILABLE: the database cannot be reached, cannot do its work now (a full disk), or is closed. Nothing
 *   was written, unless the database was lost before it could answer: then it is not known.
 * - EXHAUSTED: the adapter's own bounded queue of calls is full. Nothing was written; try again later.
 */
import type { AuditLog } from './audit-log.ts';
import type { Cluster } from './cluster.ts';
import type { DeliveryLog } from './delivery-log.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Intake } from './intake.ts';
import type { Keys } from './keys.ts';
import type { Moving } from './moving.ts';
import type { NamespaceKeys } from './namespace-keys.ts';
import type { Namespaces } from './namespaces.ts';
import type { Registrations } from './registrations.ts';
import type { Requests } from './requests.ts';
import type { Sealing } from './sealing.ts';
import type { StandingBy } from './standing-by.ts';

// The words of the port, for other rooms.
export type * from './audit-log.ts';
export type * from './cluster.ts';
export type * from './delivery-log.ts';
export type * from './delivery-queue.ts';
export type * from './housekeeping.ts';
export type * from './intake.ts';
export type * from './keys.ts';
export type * from './moving.ts';
export type * from './namespace-keys.ts';
export type * from './namespaces.ts';
export type * from './registrations.ts';
export type * from './requests.ts';
export type * from './sealing.ts';
export type * from './standing-by.ts';

export interface Store
  extends Namespaces,
    NamespaceKeys,
    Registrations,
    Intake,
    DeliveryQueue,
    DeliveryLog,
    Requests,
    Keys,
    Sealing,
    AuditLog,
    Cluster,
    StandingBy,
    Moving,
    Housekeeping {
  /**
   * Refuses new verbs, finishes those accepted, and lets the database go. Tolerates being called twice.
   * Raises nothing.
   */
  close(): Promise<void>;
}
