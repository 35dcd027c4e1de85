import { Standby_Reason as Reason, type Standby } from '../../../../gen/carillon/v1/standby_pb.ts';
import { inFull } from '../times.ts';

/** What a server was on standby for, in words that follow its name. */
export function originText({ reason, copyTime }: Standby, now: number): string {
  const at = inFull(copyTime, now);
  switch (reason) {
    case Reason.RESTORED:
      return `restored from a backup of ${at}`;
    case Reason.IMPORTED:
      return `imported from an export of ${at}`;
    default:
      return `a copy of ${at}`;
  }
}
