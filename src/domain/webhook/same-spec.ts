import { isDeepStrictEqual } from 'node:util';
import type { AskedPayload, AskedSpec } from './asked.ts';

/** Whether two callers asked for the same, in the same words. */
export function sameSpec(a: AskedSpec, b: AskedSpec): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** With what is absent, undefined and empty made one, and bytes of one kind. */
export function comparable(spec: AskedSpec): object {
  const { eventTypes = [], headers = {}, labels = {}, asymmetric = false, payload, ...rest } = spec;
  const asked = { ...rest, eventTypes: [...eventTypes], headers, labels, asymmetric };
  const whole = { ...asked, payload: payload && { ...payload, body: comparableBody(payload) } };
  return withoutUndefined(whole) as object;
}

function comparableBody({ body }: AskedPayload): unknown {
  return body?.kind === 'data' ? { kind: body.kind, data: new Uint8Array(body.data) } : body;
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutUndefined(member)]));
}
