import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What matters here of the suites of connectconformance, `conformance/v1/suite.proto` there. */
interface Suite {
  readonly mode?: string;
  readonly testCases: readonly { readonly request: Request }[];
}

interface Request {
  requestHeaders?: Field[];
  readonly rawRequest?: { headers?: Field[] };
}

interface Field {
  readonly name: string;
  readonly value: readonly string[];
}

/** Where the module of the suite keeps what its program has built in. */
const SUITES = 'internal/app/connectconformance/testsuites/data';

/**
 * Writes the cases for servers, as the module has them, with one more header in each request. Returns where they are.
 */
export async function suitesWithHeader(module: string, folder: string, header: Header): Promise<string[]> {
  const from = join(module, SUITES);
  const to = join(folder, 'suites');
  await mkdir(to, { recursive: true });
  const written: string[] = [];
  for (const name of await readdir(from)) {
    const suite = parse(await readFile(join(from, name), 'utf8')) as Suite;
    if (suite.mode === 'TEST_MODE_CLIENT') continue;
    for (const { request } of suite.testCases) addHeader(request, header);
    const path = join(to, name);
    // JSON is YAML too.
    await writeFile(path, JSON.stringify(suite));
    written.push(path);
  }
  return written;
}

function addHeader(request: Request, { name, value }: Header): void {
  const field: Field = { name, value: [value] };
  request.requestHeaders = [...(request.requestHeaders ?? []), field];
  const { rawRequest } = request;
  if (rawRequest !== undefined) rawRequest.headers = [...(rawRequest.headers ?? []), field];
}
