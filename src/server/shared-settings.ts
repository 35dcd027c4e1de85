import type { Config } from './config/load.ts';
import { formatDuration } from './config/setting-types.ts';
import { type SettingKey, settingNames } from './config/settings.ts';

/** Settings that decide what rows mean to whoever reads them: what was asked for, how long it is kept, where it may go. */
const SHARED = [
  'defaultEveryMs',
  'everyMinMs',
  'retentionMs',
  'payloadRetentionMs',
  'idempotencyWindowMs',
  'disableAfterMs',
  'waitingMax',
  'namespaceWaitingMax',
  'allowDestinations',
  'denyDestinations',
  'onlyDestinations',
] as const satisfies readonly SettingKey[];

/** By their names, as people write them. The order of a list does not count. */
export function sharedSettings(config: Pick<Config, (typeof SHARED)[number]>): ReadonlyMap<string, string> {
  return new Map(
    SHARED.map((key) => {
      const value = config[key];
      const name = settingNames(key).flag.slice(2);
      if (typeof value !== 'number') return [name, [...new Set(value)].sort().join(',')];
      return [name, key.endsWith('Ms') ? formatDuration(value) : String(value)];
    }),
  );
}
