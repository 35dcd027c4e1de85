import type { Payload } from '../webhook/payload.ts';
import { readsWebhookOnly } from './liquid.ts';

/** Which of the header templates of a payload are rendered when: names, in lower case, and sources. */
export interface HeaderTemplates {
  /** They read the webhook alone, so they are rendered at each attempt, of the webhook as it is then. */
  readonly own: readonly (readonly [name: string, source: string])[];
  /** What they make is part of the event: they are rendered once, and kept beside the delivery. */
  readonly ofEvent: readonly (readonly [name: string, source: string])[];
}

const NONE: HeaderTemplates = { own: [], ofEvent: [] };
/** Payloads are not changed, and are read anew when their webhook is. */
const divided = new WeakMap<Payload, HeaderTemplates>();

export function headerTemplatesOf(payload: Payload | undefined): HeaderTemplates {
  if (payload === undefined) return NONE;
  const known = divided.get(payload);
  if (known !== undefined) return known;
  const all = Object.entries(payload.headerTemplates);
  const made = {
    own: all.filter(([, source]) => isOwn(source)),
    ofEvent: all.filter(([, source]) => !isOwn(source)),
  };
  divided.set(payload, made);
  return made;
}

/** Whether something must be rendered for each event that is sent with this payload. */
export function rendersEvents(payload: Payload | undefined): boolean {
  return payload?.body?.kind === 'template' || headerTemplatesOf(payload).ofEvent.length > 0;
}

function isOwn(source: string): boolean {
  try {
    return readsWebhookOnly(source);
  } catch {
    // It cannot be parsed any more. Rendering it says so, of each event.
    return false;
  }
}
