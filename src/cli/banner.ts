import { resolve } from 'node:path';
import type { Config } from '../server/config/load.ts';
import { formatDuration } from '../server/config/setting-types.ts';
import { shownDatabase } from '../server/shown-database.ts';

export interface BannerFacts {
  readonly version: string;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** Where it listens for native gRPC, if it does. */
  readonly grpcAddress?: { readonly host: string; readonly port: number };
  readonly config: Pick<Config, 'db' | 'store' | 'pgEnvironment' | 'inbox' | 'defaultEveryMs' | 'tlsCert'>;
  readonly cwd: string;
  /** The release of the time zone database that schedules are computed with. */
  readonly zoneRules: string;
  readonly colour: boolean;
}

/** What `carillon dev` says when it is up: where everything is, and what to try first. */
export function banner({
  version,
  address,
  grpcAddress,
  config,
  cwd,
  zoneRules,
  colour,
}: BannerFacts): string {
  const strong = styled(colour, 1, 22);
  const quiet = styled(colour, 2, 22);
  const url = baseUrl(address, config);
  const inbox = `${url}/inbox/hello`;
  const data = dataOf(config, cwd);
  const places = [
    ['API', url],
    ...(grpcAddress === undefined ? [] : [['gRPC', authority(grpcAddress)]]),
    ...(config.inbox ? [['Inbox', inbox]] : []),
    ['Data', data],
    ['Zones', `time zone rules ${zoneRules}`],
  ];
  const destination = config.inbox ? inbox : 'https://example.com/hook';
  const registration = JSON.stringify({ name: 'hello', destination });
  return `
  ${strong(`Carillon ${version}`)}

${places.map(([name = '', place = '']) => `    ${quiet(name.padEnd(7))}${place}`).join('\n')}

  Register a webhook that rings every ${formatDuration(config.defaultEveryMs)}:

    curl --request POST --url ${url}/webhooks \\
      --header 'content-type: application/json' \\
      --data '${registration}'

  ${quiet(config.inbox ? 'Then open the inbox in a browser. Ctrl-C stops the server.' : 'Ctrl-C stops the server.')}

`;
}

function dataOf(config: BannerFacts['config'], cwd: string): string {
  const { db, store } = config;
  if (store !== undefined) return shownDatabase(config);
  return db === ':memory:' ? 'in memory, gone when this stops' : resolve(cwd, db);
}

/** Where a client on this machine finds it; a server on every address is found on this one too. */
export function baseUrl(
  address: { readonly host: string; readonly port: number },
  { tlsCert }: Pick<Config, 'tlsCert'>,
): string {
  return `${tlsCert === undefined ? 'http' : 'https'}://${authority(address)}`;
}

/** The same without a scheme, as gRPC clients take it. */
export function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${near.includes(':') ? `[${near}]` : near}:${port}`;
}

/** Colours are for a terminal whose owner did not say otherwise (https://no-color.org). */
export function wantsColour(terminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return terminal && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Text between two SGR codes (ECMA-48, section 8.3.117), or as it is. */
function styled(colour: boolean, on: number, off: number): (text: string) => string {
  return (text) => (colour ? `\u001b[${on}m${text}\u001b[${off}m` : text);
}
