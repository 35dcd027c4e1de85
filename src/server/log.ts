import { type OpenLog, openLog } from '../telemetry/log.ts';
import type { Config } from './config/load.ts';

/** Opens the log that a configuration asks for. */
export function openServerLog(config: Config): Promise<OpenLog> {
  return openLog({ format: config.logFormat, level: config.logLevel });
}
