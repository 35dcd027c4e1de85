import type { JsonObject } from '@bufbuild/protobuf';
import { quote } from '../../../domain/text.ts';
import { curlArguments, NotImportable } from './curl.ts';

/** The part of a webhook that a line of curl says, in ProtoJSON. */
export interface CurlRequest {
  readonly destination: string;
  readonly webhook: JsonObject;
  readonly warnings: readonly string[];
  /** Whether it says how long it may take; curl waits without end otherwise. */
  readonly hasTimeout: boolean;
}

const FORM = 'application/x-www-form-urlencoded';
/** curl doubles its delay from a second up to ten minutes (curl(1), --retry). */
const DELAY_MAX_S = 600;
const DELAYS_MAX = 32;

/** What a line of curl does as a webhook. `input` is what it reads from standard input. Raises NotImportable. */
export function curlRequest(words: readonly string[], input: string | undefined): CurlRequest {
  const { options, urls, warnings: left } = curlArguments(words);
  const warnings = [...left];
  const valuesOf = (...names: string[]) => options.filter(({ name }) => names.includes(name));
  const has = (name: string) => valuesOf(name).length > 0;
  const last = (name: string) => valuesOf(name).at(-1)?.value;
  if (has('get')) throw new NotImportable('-G puts the data into the URL of a GET, and Carillon POSTs');

  const { destination, userInfo } = target(urls, has('globoff'));
  const body = bodyOf(valuesOf(...DATA), input);
  const method =
    last('request')?.toUpperCase() ?? (has('head') ? 'HEAD' : body === undefined ? 'GET' : 'POST');
  if (method === 'GET' || method === 'HEAD') {
    warnings.push(`it is a ${method}, and becomes a POST: see whether the destination takes one`);
  } else if (method !== 'POST') {
    throw new NotImportable(`its method is ${quote(method)}, and Carillon POSTs`);
  }

  const { headers, contentType } = headersOf(
    valuesOf('header').map(({ value }) => value),
    warnings,
  );
  if (body?.json && !named(headers, 'accept')) headers.accept = 'application/json';
  if (last('referer') !== undefined) headers.referer ??= last('referer')!;
  const cookies = valuesOf('cookie').map(({ value }) => value);
  if (cookies.some((value) => !value.includes('='))) {
    throw new NotImportable('-b reads cookies from a file');
  }
  if (cookies.length > 0) headers.cookie ??= cookies.join('; ');
  const credentials = last('user') ?? userInfo;
  const bearer = last('oauth2-bearer');
  if ((credentials ?? bearer) !== undefined && !named(headers, 'authorization')) {
    headers.authorization =
      bearer === undefined ? `Basic ${Buffer.from(credentials!).toString('base64')}` : `Bearer ${bearer}`;
    warnings.push('its password becomes a secret header, which no answer shows; a signature needs none');
  }
  for (const { value } of valuesOf('output')) {
    if (value !== '/dev/null' && value !== '-') warnings.push(KEEPS(value));
  }
  const type = contentType ?? body?.contentType;
  const timeout = seconds('--max-time', last('max-time'));
  const retryPolicy = retryPolicyOf(last('retry'), last('retry-delay'), has('retry-all-errors'));
  const webhook: JsonObject = {
    payload: { text: body?.text ?? '', ...(type !== undefined && { contentType: type }) },
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(timeout !== undefined && timeout > 0 && { timeout: `${timeout}s` }),
    ...(retryPolicy !== undefined && { retryPolicy }),
  };
  return { destination, webhook, warnings, hasTimeout: timeout !== undefined };
}

/** What is told of output that went to a file. */
export const KEEPS = (file: string): string =>
  `what is answered is not written to ${quote(file)}; Carillon keeps it with each attempt`;

const DATA = ['data', 'data-ascii', 'data-raw', 'data-binary', 'data-urlencode', 'json'];

interface Body {
  readonly text: string;
  readonly contentType: string;
  readonly json: boolean;
}

/** Data of several options is joined by `&`, and that of --json as it is. */
function bodyOf(
  data: readonly { readonly name: string; readonly value: string }[],
  input: string | undefined,
): Body | undefined {
  if (data.length === 0) return undefined;
  const json = data.some(({ name }) => name === 'json');
  let text = '';
  for (const [i, { name, value }] of data.entries()) {
    text += (i === 0 || name === 'json' ? '' : '&') + dataOf(name, value, input);
  }
  return { text, contentType: json ? 'application/json' : FORM, json };
}

function dataOf(name: string, value: string, input: string | undefined): string {
  if (name === 'data-raw') return value;
  if (name === 'data-urlencode') {
    const [, key = '', sign, content = ''] = /^([^=@]*)([=@])(.*)$/s.exec(value) ?? [];
    if (sign === '@') throw new NotImportable(`--data-urlencode ${quote(value)} reads a file at every run`);
    if (sign === undefined) return encodeURIComponent(value);
    return `${key === '' ? '' : `${key}=`}${encodeURIComponent(content)}`;
  }
  if (!value.startsWith('@')) return value;
  if (value !== '@-' || input === undefined) {
    throw new NotImportable(`--${name} ${quote(value)} reads a file at every run`);
  }
  // What curl does to files, but not to --data-binary and --json.
  return name === 'data' || name === 'data-ascii' ? input.replaceAll(/[\r\n\0]/g, '') : input;
}

/** Where it goes, and the name and the password that are in the URL. */
function target(
  urls: readonly string[],
  globoff: boolean,
): { destination: string; userInfo: string | undefined } {
  const [first, second] = urls;
  if (first === undefined) throw new NotImportable('curl is given no URL');
  if (second !== undefined) throw new NotImportable('curl is given several URLs; write a line for each');
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(first) ? first : `http://${first}`;
  if (!globoff && /[{}[\]]/.test(written.replace(/^(https?:\/\/[^/]*)\[[\da-f:.]+\]/i, '$1'))) {
    throw new NotImportable('{} and [] in its URL make curl ask several');
  }
  if (!URL.canParse(written)) throw new NotImportable(`${quote(first)} is no URL`);
  const url = new URL(written);
  if (!/^https?:$/.test(url.protocol)) {
    throw new NotImportable(
      `its URL has the scheme ${url.protocol.slice(0, -1)}, and Carillon has http and https`,
    );
  }
  const { username, password } = url;
  const userInfo =
    username === '' && password === '' ? undefined : `${decoded(username)}:${decoded(password)}`;
  // As it was written, but for what is not sent there.
  const destination = written.replace(/#.*$/s, '').replace(/^(https?:\/\/)[^/?]*@/i, '$1');
  return { destination, userInfo };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function headersOf(
  written: readonly string[],
  warnings: string[],
): { headers: Record<string, string>; contentType: string | undefined } {
  const headers = new Map<string, [string, string]>();
  let contentType: string | undefined;
  for (const text of written) {
    if (text.startsWith('@')) throw new NotImportable(`-H ${quote(text)} reads a file at every run`);
    const [, name = '', colon, value = ''] = /^([^:;]*)([:;])\s*(.*?)\s*$/s.exec(text) ?? [];
    // `name;` sends an empty one, and `name:` takes away what curl would send.
    if (colon === undefined || (colon === ':' && value === '')) continue;
    const lower = name.toLowerCase();
    if (lower === 'content-type') contentType = value;
    else if (lower === 'user-agent')
      warnings.push('the header user-agent is left out: Carillon says who it is itself');
    else if (lower !== 'content-length') headers.set(lower, [name, value]);
  }
  return { headers: Object.fromEntries(headers.values()), contentType };
}

function named(headers: Readonly<Record<string, string>>, name: string): boolean {
  return Object.keys(headers).some((each) => each.toLowerCase() === name);
}

/** As curl does it: so many times, and only for what may pass, unless it is told to for everything. */
function retryPolicyOf(
  retry: string | undefined,
  delay: string | undefined,
  allErrors: boolean,
): JsonObject | undefined {
  if (retry === undefined) return undefined;
  if (!/^\d{1,6}$/.test(retry)) throw new NotImportable(`--retry ${quote(retry)} is no number`);
  const retries = Number(retry);
  const fixed = seconds('--retry-delay', delay) ?? 0;
  const delays = Array.from({ length: Math.min(retries, DELAYS_MAX) }, (_, i) =>
    Math.min(2 ** i, DELAY_MAX_S),
  );
  return {
    maxAttempts: retries + 1,
    ...(retries > 0 && { delays: (fixed > 0 ? [fixed] : delays).map((each) => `${each}s`) }),
    ...(!allErrors && { clientErrors: 'CLIENT_ERRORS_FAIL' }),
  };
}

function seconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(text))
    throw new NotImportable(`${option} ${quote(text)} is no number of seconds`);
  return Number(text);
}
