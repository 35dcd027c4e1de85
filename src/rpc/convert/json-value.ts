import { JSON_VALUE_DEPTH_MAX, JSON_VALUE_TOO_DEEP } from '../field-bounds.ts';

/** What is wrong with a value as a google.protobuf.Value, as the end of a sentence; undefined when nothing is. */
export function valueJsonFault(json: unknown): string | undefined {
  return faultAt(json, JSON_VALUE_DEPTH_MAX);
}

function faultAt(json: unknown, depthLeft: number): string | undefined {
  switch (typeof json) {
    case 'string':
      return json.isWellFormed()
        ? undefined
        : 'has a string with lone surrogates, which is not valid Unicode';
    case 'number':
      // JSON.parse makes infinity of what is too large for a double.
      return Number.isFinite(json) ? undefined : 'has a number that is too large for double precision';
    case 'object':
      return json === null ? undefined : membersFault(json, depthLeft);
    default:
      return undefined;
  }
}

function membersFault(json: object, depthLeft: number): string | undefined {
  if (depthLeft === 0) return JSON_VALUE_TOO_DEEP;
  const names = Array.isArray(json) ? [] : Object.keys(json);
  for (const member of [...names, ...Object.values(json)]) {
    const complaint = faultAt(member, depthLeft - 1);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}
