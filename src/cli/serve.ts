import { systemClock } from '../domain/clock.ts';
import { type Config, loadConfig } from '../server/config/load.ts';
import type { Command } from '../server/config/settings.ts';
import { shownDatabase } from '../server/shown-database.ts';
import type { RunningServer, startServer } from '../server/start.ts';
import { VERSION } from '../server/version.ts';
import type { Log } from '../telemetry/log.ts';
import { authority, banner, baseUrl, wantsColour } from './banner.ts';
import { EXIT } from './exit.ts';
import { type OtherSignal, STOP_SIGNALS, type StopSignal, type World } from './world.ts';
import { letYoungGenerationGrow } from './young-generation.ts';

/** How much longer than its own deadline a stop may take before the process gives it up. */
const STOP_MARGIN_MS = 5000;

const IGNORED: Readonly<Record<OtherSignal, string>> = {
  SIGHUP:
    'settings are not read again while it runs: restart it to change them; certificates are, by themselves',
  SIGUSR1: 'no debugger is opened: start it with `node --inspect` to debug it',
};

/** Loads the server only here, so that help, the version and refusals do not wait for all of it. */
const loadAndStart: typeof startServer = async (config, deps) => {
  const server = await import('../server/start.ts');
  return server.startServer(config, deps);
};

/**
 * Runs a server until a signal asks it to stop or it cannot go on, and resolves with the exit code. A
 * second signal ends the process at once. `start` is given by tests.
 */
export async function serve(
  command: Command,
  argv: readonly string[],
  world: World,
  start: typeof startServer = loadAndStart,
): Promise<number> {
  let config: Config;
  try {
    config = await loadConfig(command, { ...world, argv });
  } catch (error) {
    world.err(`carillon: ${messageOf(error)}\n`);
    return EXIT.usage;
  }
  const { openLog } = await import('../telemetry/log.ts');
  const { log, close } = openLog({ format: config.logFormat, level: config.logLevel });
  const asked = Promise.withResolvers<StopSignal | OtherSignal>();
  let signals = 0;
  const offSignal = world.onSignal((signal) => {
    signals++;
    asked.resolve(signal);
    if (signals === 1) return;
    void close().then(() => world.exit(STOP_SIGNALS[signal]));
  });
  const offOther = world.onOtherSignal((signal) => {
    // The terminal in which it was started was closed.
    if (signal === 'SIGHUP' && command === 'dev') asked.resolve(signal);
    else log.info({ signal }, IGNORED[signal]);
  });
  // Whoever kills npm ends npm and the shell that it runs, and neither passes that on.
  const offOrphaned = isStartedByNpm(world)
    ? world.onOrphaned(() => {
        log.info({}, 'npm, which started it, has ended');
        asked.resolve('SIGTERM');
      })
    : undefined;
  const offCrash = world.onCrash((error) => {
    const stack = error instanceof Error ? error.stack : undefined;
    log.error({ stack }, `crashed: ${messageOf(error)}`);
    void close().then(() => world.exit(EXIT.failed));
  });
  try {
    const server = await start(config, { log });
    letYoungGenerationGrow();
    announce(server, config, world, log);
    return await untilStopped(server, config, log, asked.promise);
  } catch (error) {
    world.err(`carillon: ${messageOf(error)}\n`);
    return EXIT.failed;
  } finally {
    offSignal();
    offOther();
    offOrphaned?.();
    offCrash();
    await close();
  }
}

/** By `npm start` in a clone, or by npx. Another script of npm may start it to stay when the script is done. */
function isStartedByNpm({ env }: World): boolean {
  const { npm_lifecycle_event: event, npm_package_name: name } = env;
  return event === 'npx' || (event === 'start' && name === 'carillon');
}

function announce({ address, grpcAddress }: RunningServer, config: Config, world: World, log: Log): void {
  const at = { address, ...(grpcAddress !== undefined && { grpcAddress }) };
  const { zoneRules } = systemClock;
  if (config.command === 'dev') {
    const colour = wantsColour(world.terminal, world.env);
    world.out(banner({ version: VERSION, ...at, config, cwd: world.cwd, zoneRules, colour }));
  } else {
    const grpc = grpcAddress === undefined ? 'off' : authority(grpcAddress);
    log.info(
      {
        version: VERSION,
        url: baseUrl(address, config),
        grpc,
        ...address,
        db: shownDatabase(config),
        zoneRules,
      },
      'listening',
    );
  }
}

async function untilStopped(
  server: RunningServer,
  config: Config,
  log: Log,
  asked: Promise<StopSignal | OtherSignal>,
): Promise<number> {
  let code: number = EXIT.ok;
  try {
    const signal = await Promise.race([asked, server.finished]);
    if (signal !== undefined) log.info({ signal }, 'stopping');
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'the server cannot go on');
    code = EXIT.failed;
  }
  // A stop bounds itself. This is for the day when something in it does not.
  const overdue = Promise.withResolvers<'overdue'>();
  const timer = setTimeout(() => overdue.resolve('overdue'), config.stopTimeoutMs + STOP_MARGIN_MS);
  try {
    if ((await Promise.race([server.stop(), overdue.promise])) === 'overdue')
      throw new Error('it takes too long');
    log.info({}, 'stopped');
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'the server did not stop cleanly');
    code = EXIT.failed;
  } finally {
    clearTimeout(timer);
  }
  return code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
