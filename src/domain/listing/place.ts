import { isOwnForm } from '../id.ts';

/** What webhooks can be listed by; ids are in the order in which webhooks were registered. */
export type WebhookOrder = 'id' | 'name';

/** The place of a webhook in a list. */
export function placeOfWebhook(id: string, name: string, by: WebhookOrder): string {
  return by === 'id' ? id : `${id} ${name}`;
}

/** Takes a place apart. No id has a space in it. */
export function partsOfPlace(place: string): readonly [id: string, name: string] {
  const space = place.indexOf(' ');
  return space < 0 ? [place, ''] : [place.slice(0, space), place.slice(space + 1)];
}

/** The name of a namespace, by which those are listed. */
const NAME = /^[a-z0-9-]{1,63}$/;

/** Whether a text can be a place in a list. */
export function isPlace(text: string): boolean {
  return isOwnForm(partsOfPlace(text)[0]) || NAME.test(text);
}
