import { systemClock } from '../../domain/clock.ts';
import { systemRandom } from '../../domain/random.ts';
import { backUpDatabase } from '../../server/moving/backup.ts';
import { restoreDatabase } from '../../server/moving/restore.ts';
import { openLog } from '../../telemetry/log.ts';
import { flagValue } from '../client/command.ts';
import type { OfflineJob, OfflineVerb } from './job.ts';

/** What the commands do that work on a database without a server. */
export const OFFLINE_VERBS: Readonly<Record<string, OfflineVerb>> = { backup, restore };

async function backup({ config, file }: OfflineJob): Promise<string> {
  const { since, webhooks, waiting, bytes, sealKeys } = backUpDatabase(config, file, systemClock);
  const keys = sealKeys.length === 0 ? '' : ` (${sealKeys.join(', ')})`;
  return (
    `${file} has ${counted(webhooks, 'webhook')} and ${counted(waiting, 'delivery', 'deliveries')} that wait, as of ${at(since)}: ${bytes} bytes\n` +
    `The key that seals its secrets${keys} is not in it; keep a copy of that elsewhere.\n`
  );
}

async function restore({ config, file, invocation }: OfflineJob): Promise<string> {
  const { log, close } = openLog({ format: config.logFormat, level: 'silent' });
  try {
    const replace = flagValue(invocation, '--replace') !== undefined;
    const restored = await restoreDatabase(
      config,
      file,
      { replace },
      { clock: systemClock, random: systemRandom(), log },
    );
    const { place, aside, since, webhooks, waiting } = restored;
    return (
      `${place} is the backup now: ${counted(webhooks, 'webhook')} and ${counted(waiting, 'delivery', 'deliveries')} that wait\n` +
      (aside === undefined ? '' : `What was there before is ${aside}\n`) +
      `What was sent after ${at(since)} may be sent again, and what was taken after that is not in it.\n` +
      'A server on it sends nothing before carillon resume --all, or a start with --take-over.\n'
    );
  } finally {
    await close();
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function at(ms: number): string {
  return new Date(ms).toISOString();
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
