/** Why a store is on standby: it takes everything and sends nothing, since another may send the same. */
export const STANDBY_REASONS = ['RESTORED', 'IMPORTED', 'IMPORTING'] as const;
export type StandbyReason = (typeof STANDBY_REASONS)[number];

/** A store that is a copy, until somebody says that it takes over from the one that it was copied from. */
export interface Standby {
  /** `IMPORTING` while not all of it is there: no server begins on such a store. */
  readonly reason: StandbyReason;
  /** When the copy was made: what was sent after this may be sent again. */
  readonly since: number;
}

/** What it is about a store, as a sentence goes on after its name. */
export function standbyText({ reason, since }: Standby): string {
  const at = new Date(since).toISOString();
  switch (reason) {
    case 'RESTORED':
      return `was restored from a backup of ${at}`;
    case 'IMPORTED':
      return `was imported from an export of ${at}`;
    case 'IMPORTING':
      return `has a part of an export of ${at}`;
    default:
      return reason satisfies never;
  }
}
