import { createSecureContext } from 'node:tls';
import { CLIENT_VARIABLES } from '../../server/config/settings.ts';
import type { World } from '../world.ts';
import { flagValue, type Invocation, UsageError } from './command.ts';
import { readNamed } from './named-file.ts';

/** By which certificates a server is trusted over TLS, and by which a caller shows who it is; all in PEM. */
export interface Trust {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const FILES = [
  ['ca', '--ca', CLIENT_VARIABLES.ca],
  ['cert', '--client-cert', CLIENT_VARIABLES.clientCert],
  ['key', '--client-key', CLIENT_VARIABLES.clientKey],
] as const;

/** What flags name, or else variables. Rejects with UsageError for what cannot be read or used. */
export async function trustOf(
  invocation: Pick<Invocation, 'flags'>,
  world: Pick<World, 'env' | 'cwd' | 'readFile'>,
): Promise<Trust> {
  const trust: { -readonly [K in keyof Trust]: Trust[K] } = {};
  for (const [what, flag, variable] of FILES) {
    const given = flagValue(invocation, flag);
    const name = given ?? (world.env[variable] || undefined);
    if (name !== undefined) trust[what] = await readNamed(given === undefined ? variable : flag, name, world);
  }
  if ((trust.cert === undefined) !== (trust.key === undefined)) {
    const [has, lacks] = trust.key === undefined ? ['certificate', '--client-key'] : ['key', '--client-cert'];
    throw new UsageError(`a client ${has} goes with ${lacks}; give that too`);
  }
  checkUsable(trust);
  return trust;
}

/** Raises UsageError for what is no certificate or no key, which OpenSSL would only say when it calls. */
function checkUsable(trust: Trust): void {
  if (trust.ca !== undefined && !trust.ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError(
      'the file of --ca holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----',
    );
  try {
    createSecureContext(trust);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `the certificates given by --ca, --client-cert and --client-key cannot be used: ${why}; ` +
        'give files in PEM, and the key that the certificate was made for',
    );
  }
}
