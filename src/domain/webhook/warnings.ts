import type { AskedSpec } from './asked.ts';

/** What is dangerous about a webhook as it was asked for. */
export type Warning = 'TLS_NOT_VERIFIED';

export function warningsOf({ tls }: { readonly tls?: AskedSpec['tls'] | undefined }): readonly Warning[] {
  return tls?.unverified ? ['TLS_NOT_VERIFIED'] : NONE;
}

const NONE: readonly Warning[] = [];
