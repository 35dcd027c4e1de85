import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  GetSealKeyRotationResponseSchema,
  type SealKeyRotation,
  SealKeyRotation_State as State,
} from '../../../../gen/carillon/v1/seal_key_pb.ts';
import { flagValue } from '../command.ts';
import { type Job, show, wantsJson } from '../job.ts';
import { card } from '../table.ts';
import { inFull } from '../times.ts';

/** How long until the server is asked again. */
const FIRST_WAIT_MS = 50;
const WAIT_MS_MAX = 1_000;

/** `carillon keys rotate`: begins, unless that is not wanted or it is begun already, and waits until it is done. */
export async function rotate(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const onlySay = flagValue(invocation, '--status') !== undefined;
  let rotation = await read(job);
  if (!onlySay) {
    if (rotation.state === State.DONE) {
      const before = rotation.keyId;
      rotation = (await connection.admin.rotateSealKey({ keyId: before })).rotation!;
      tell(`the key ${rotation.keyId} seals from now on, in place of ${before}`);
    } else {
      tell(
        `the key ${rotation.keyId} took the place of another before, and not everything is sealed with it yet`,
      );
    }
    if (flagValue(invocation, '--no-wait') === undefined) rotation = await finished(job, rotation, tell);
  }
  const answer = create(GetSealKeyRotationResponseSchema, { rotation });
  show(job, GetSealKeyRotationResponseSchema, answer, () => shown(job, rotation));

  /** Beside what is printed, which a script may read. */
  function tell(sentence: string): void {
    if (!wantsJson(invocation)) world.err(`carillon: ${sentence}\n`);
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function read({ connection }: Pick<Job, 'connection'>): Promise<SealKeyRotation> {
  return (await connection.admin.getSealKeyRotation({})).rotation!;
}

/** How it is once it is done. Says how far it is, at growing gaps. */
async function finished(
  job: Job,
  begun: SealKeyRotation,
  tell: (sentence: string) => void,
): Promise<SealKeyRotation> {
  let rotation = begun;
  let told = 0;
  for (
    let waitMs = FIRST_WAIT_MS;
    rotation.state === State.RUNNING;
    waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)
  ) {
    await sleep(waitMs);
    rotation = await read(job);
    const percent = percentOf(rotation);
    if (rotation.state !== State.RUNNING || percent < told + 5) continue;
    told = percent;
    tell(`${rotation.checkedCount} of about ${rotation.totalCount} looked at (${percent} %)`);
  }
  return rotation;
}

function percentOf({ checkedCount, totalCount }: SealKeyRotation): number {
  if (totalCount === 0n) return 0;
  return Math.min(100, Math.floor((Number(checkedCount) / Number(totalCount)) * 100));
}

function shown({ world, paper }: Job, rotation: SealKeyRotation): string {
  const now = world.now();
  const { state, keyId, olderKeyIds, place, unreadableCount } = rotation;
  const isDone = state === State.DONE;
  const rows = card(
    [
      ['sealing', isDone ? 'done' : `running, ${percentOf(rotation)} %`],
      ['key', keyId],
      ['older keys', olderKeyIds.join(', ')],
      ['place', place],
      ['sealed anew', rotation.totalCount === 0n ? '' : String(rotation.resealedCount)],
      ['unreadable', unreadableCount === 0n ? '' : `${unreadableCount}, which the log of the server names`],
      ['since', inFull(rotation.startTime, now)],
      ['done', inFull(rotation.endTime, now)],
    ],
    paper,
  );
  return `${rows}\n${adviceOf(rotation)}`;
}

/** What a person does next. */
function adviceOf({ state, olderKeyIds, place, olderKnownTime }: SealKeyRotation): string {
  if (olderKeyIds.length === 0) return '';
  if (state !== State.DONE)
    return 'Every key is needed until it is done; carillon keys rotate waits for that.\n';
  const [those, it] = olderKeyIds.length === 1 ? ['the key', 'it'] : ['the keys', 'them'];
  const what = `${those} ${olderKeyIds.join(', ')} can be taken out of ${place}`;
  const keep = `Keep ${it} with the backups that were made before.\n`;
  if (olderKnownTime === undefined) return `Now ${what}. ${keep}`;
  const from = new Date(timestampMs(olderKnownTime)).toISOString();
  return `From ${from} on ${what}. Until then calls with a request_id that were made before are recognised by ${it}. ${keep}`;
}
