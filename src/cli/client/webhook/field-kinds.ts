import type { Option } from '../command.ts';

/** How what is written becomes JSON for the API. */
export type FieldKind =
  /** As it is. */
  | { readonly kind: 'text' }
  /** As it is, or from `@file`, without the line break at its end if that is not wanted. */
  | { readonly kind: 'content'; readonly line: boolean }
  /** Bytes of a file, in base64. */
  | { readonly kind: 'bytes' }
  | { readonly kind: 'number' }
  /** `5s`, `10m` */
  | { readonly kind: 'duration' }
  /** RFC 3339, or a duration from now. */
  | { readonly kind: 'time' }
  | { readonly kind: 'switch' }
  /** One of these words, in any case, for the name in the proto file that begins so. */
  | { readonly kind: 'word'; readonly words: readonly string[]; readonly prefix: string }
  /** Each adds to a list. */
  | { readonly kind: 'texts' }
  | { readonly kind: 'durations' }
  /** `name=value`, each an entry of a map. */
  | { readonly kind: 'entries' }
  /** The same with the value in a message of its own, or from `@file`; an update leaves other entries as they are. */
  | { readonly kind: 'secretEntries' };

/** An option that sets a field of a webhook. */
export interface WebhookField extends Option {
  readonly field: `webhook.${string}`;
  readonly is: FieldKind;
  readonly several?: `webhook.${string}`;
  /** Update cannot change it. */
  readonly onlyAtRegistration?: boolean;
}

export const TEXT = { kind: 'text' } as const;
export const NUMBER = { kind: 'number' } as const;
export const DURATION = { kind: 'duration' } as const;
export const TIME = { kind: 'time' } as const;
export const ENTRIES = { kind: 'entries' } as const;

export function words(prefix: string, ...all: string[]): { is: FieldKind; value: string } {
  return { is: { kind: 'word', words: all, prefix }, value: all.join('|') };
}
