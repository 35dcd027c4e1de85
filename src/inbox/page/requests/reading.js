/**
 * Which request somebody reads, as a value. It stays that request whatever comes in and whatever is dropped,
 * until they choose another.
 *
 * - `request` is what is read, as it was told last; undefined where nothing is, or where it has not come.
 * - `number` is its number; undefined where nothing is read.
 * - `isKept` is false once Carillon has dropped it: what the page has of it is all there is then.
 * - `seen` is the newest number there was when they last chose: what is above it is new to them.
 */
export const NOTHING = { request: undefined, number: undefined, isKept: false, seen: 0 };

/** What is read once somebody chose a number; `requests` by number. */
export function choose(reading, number, requests) {
  const request = requests.get(number);
  // The one that is read may be gone, and another have its number since Carillon started again.
  const again = request === undefined && number === reading.number ? reading.request : request;
  return { request: again, number, isKept: request !== undefined, seen: newestOf(requests) };
}

/** What is read where nobody reads any more. */
export const leave = (requests) => ({ ...NOTHING, seen: newestOf(requests) });

/** What is read after requests came, changed or went. */
export function goOn(reading, requests) {
  // Numbers begin anew when Carillon does.
  const newest = newestOf(requests);
  const seen = newest < reading.seen ? 0 : reading.seen;
  if (reading.number === undefined) return { ...reading, seen: newest };
  const now = requests.get(reading.number);
  if (reading.request === undefined) return { ...reading, seen, request: now, isKept: now !== undefined };
  const isSame = now !== undefined && now.time === reading.request.time;
  return { ...reading, seen, request: isSame ? now : reading.request, isKept: isSame };
}

/** How many requests came since somebody last chose. */
export function countNew({ seen }, requests) {
  let count = 0;
  for (const number of requests.keys()) if (number > seen) count++;
  return count;
}

function newestOf(requests) {
  let newest = 0;
  for (const number of requests.keys()) newest = Math.max(newest, number);
  return newest;
}
