import { systemClock } from '../../domain/clock.ts';
import { systemRandom } from '../../domain/random.ts';
import { backUpDatabase } from '../../server/moving/backup.ts';
import { exportDatabase } from '../../server/moving/export.ts';
import { importFile } from '../../server/moving/import.ts';
import { restoreDatabase } from '../../server/moving/restore.ts';
import { shownDatabase } from '../../server/shown-database.ts';
import { openLog } from '../../telemetry/log.ts';
import { flagValue } from '../client/command.ts';
import type { OfflineJob, OfflineVerb } from './job.ts';

import { progressBar } from './progress.ts';

/** What the commands do that work on a database without a server. */
export const OFFLINE_VERBS: Readonly<Record<string, OfflineVerb>> = {
  backup,
  restore,
  export: exportAll,
  import: importAll,
};

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

async function exportAll({ config, file, invocation, world }: OfflineJob): Promise<string> {
  const bar = progressBar(world);
  const history = flagValue(invocation, '--history') !== undefined;
  const deps = { clock: systemClock, random: systemRandom(), progress: bar.show };
  const exported = await exportDatabase(config, file, { history }, deps).finally(bar.clear);
  const { since, rows, bytes, sealKeys } = exported;
  const keys = sealKeys.length === 0 ? '' : ` (${sealKeys.join(', ')})`;
  return (
    `${file} has what was there at ${at(since)}: ${contents(rows)}; ${bytes} bytes\n` +
    `Its secrets are sealed by the key of the database${keys}, which carillon import needs.\n` +
    'Start no server on this database any more once another takes over from it.\n'
  );
}

async function importAll({ config, file, invocation, world }: OfflineJob): Promise<string> {
  const { log, close } = openLog({ format: config.logFormat, level: 'silent' });
  const bar = progressBar(world);
  const deps = { clock: systemClock, random: systemRandom(), log, progress: bar.show };
  const fromKeyFile = flagValue(invocation, '--from-key-file');
  const imported = await importFile(config, file, { fromKeyFile }, deps).finally(bar.clear);
  await close();
  const { since, rows, keyId, olderKeyIds, resumed, unreadable } = imported;
  const older =
    olderKeyIds.length === 0
      ? ''
      : `Its secrets are sealed by the key ${keyId} now. Calls that were made with a request_id before, up to 24 h ago, are ` +
        `recognised as long as the server has ${olderKeyIds.join(', ')} besides.\n`;
  return (
    `${shownDatabase(config)} has all of ${file}${resumed ? ', of which a part was there' : ''}: ${contents(rows)}; counts and digests are those of the file\n` +
    older +
    (unreadable === 0 ? '' : `${counted(unreadable, 'secret')} no key opens, and stay as they were.\n`) +
    `What was sent after ${at(since)} may be sent again.\n` +
    'A server on it sends nothing before carillon resume --all, or a start with --take-over.\n'
  );
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function contents(rows: Readonly<Record<string, number>>): string {
  const { namespaces = 0, webhooks = 0, events = 0, deliveries = 0, journal = 0 } = rows;
  return [
    counted(namespaces, 'namespace'),
    counted(webhooks, 'webhook'),
    counted(events, 'event'),
    counted(deliveries, 'delivery', 'deliveries'),
    counted(journal, 'entry of their journal', 'entries of their journal'),
  ].join(', ');
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
