/** Whether a store may send what is in it. Which errors the port raises, and when, is said in `store.ts`. */
import type { Standby } from '../domain/standby.ts';

export interface StandingBy {
  /** Undefined for a store that sends. Raises UNAVAILABLE and EXHAUSTED. */
  getStandby(): Promise<Standby | undefined>;

  /**
   * The store is a copy of another, and sends nothing until `takeOver`; it is that for this reason, whatever it was for
   * before. For how long each webhook has failed counts anew: nobody asks its destination meanwhile. Raises UNAVAILABLE
   * and EXHAUSTED.
   */
  standBy(standby: Standby): Promise<void>;

  /**
   * The store sends from now on. Returns why it was on standby; undefined where it was not. One that is IMPORTING stays
   * so. Raises UNAVAILABLE and EXHAUSTED.
   */
  takeOver(): Promise<Standby | undefined>;
}
