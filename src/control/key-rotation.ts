/** Where the keys of a server come from. */
export interface KeySource {
  /** For people: a file, or a setting. */
  readonly place: string;
  /** What to do to give it one key more, to follow "or": `put it into … on a line of its own`. */
  readonly howToAdd: string;
  /**
   * The keys from now on, newest first, of which the newest is not `present[0]`: one that an operator has put there, or
   * else one that is made, and kept there before this resolves. Raises FAILED_PRECONDITION where neither can be.
   */
  replace(present: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

/** How far it is that everything is sealed by the newest key. */
export interface SealRotationStatus {
  readonly isRunning: boolean;
  readonly keyId: string;
  /** Those that the server has besides, newest first. */
  readonly olderKeyIds: readonly string[];
  readonly place: string;
  /** Rows that were looked at, of about how many, since this server has begun with it or gone on. */
  readonly checked: number;
  readonly total: number;
  readonly resealed: number;
  /** What could not be opened, by any key, and stays as it was. */
  readonly unreadable: number;
  /** Since when the newest key seals. */
  readonly startedAt: number;
  /** When everything was sealed by it; undefined where it is not, or was from the first. */
  readonly endedAt?: number;
  /** Until when calls that were made before may be repeated, which older keys recognise; undefined where it is over. */
  readonly olderKnownUntil?: number;
}

/** How the key that seals is replaced, for callers. */
export interface KeyRotation {
  status(): SealRotationStatus;
  /**
   * Replaces the key with this id, and begins to seal everything anew. Changes nothing where it was replaced, or
   * another is being. Raises INVALID for what is no key of this server, FAILED_PRECONDITION where its keys cannot be
   * replaced, UNAVAILABLE and EXHAUSTED.
   */
  rotate(keyId: string): Promise<SealRotationStatus>;
}
