import { type Log, openLog } from '../telemetry/log.ts';
import type { Config } from './config.ts';

/** The log that a configuration asks for; `flush` is for the end of the process. */
export function openServerLog(config: Config): Promise<{ log: Log; flush: () => void }> {
  return openLog({ format: config.logFormat, level: config.logLevel });
}
