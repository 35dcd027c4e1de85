import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CarillonProcess, startCarillon, temporaryFolder } from '../support/server.ts';
import { assertOnlyKnown, readKnownFailing } from './known-failing.ts';
import { run, TOOLS } from './tool.ts';

/** What h2spec 2.2.1 has. */
const CASES = 145;
/**
 * A request that is refused by its head can be answered before what follows it is looked at, or not: these pass when that
 * comes first.
 */
const RACES: ReadonlySet<string> = new Set([
  'http2/5.1/5 half closed (remote): Sends a DATA frame',
  'http2/5.1/6 half closed (remote): Sends a HEADERS frame',
  'http2/8.1/1 Sends a second HEADERS frame without the END_STREAM flag',
  'http2/8.1.2.1/3 Sends a HEADERS frame that contains a pseudo-header field as trailers',
]);
/** How long it waits for what a server must do; it waits for this long where a server does nothing. */
const WAIT_SECONDS = '3';

describe('h2spec', () => {
  let carillon: CarillonProcess;
  before(async () => {
    carillon = await startCarillon({ command: 'serve' });
  });
  after(() => carillon[Symbol.asyncDispose]());

  it('has against a bare server of node:http2 what is listed', async () => {
    const server = createServer((_request, response) => void response.end('hello'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      assertOnlyKnown(await failing(port), await readKnownFailing('h2spec-node'));
    } finally {
      server.close();
    }
  });

  it('has no more than that and one case against the port for everything', async () => {
    assertOnlyKnown(await failing(carillon.port, RACES), [
      ...(await readKnownFailing('h2spec-node')),
      ...(await readKnownFailing('h2spec-shared')),
    ]);
  });

  it('has no more than that and one case against the port of native gRPC', async () => {
    assertOnlyKnown(await failing(Number(carillon.grpcAddress.split(':')[1]), RACES), [
      ...(await readKnownFailing('h2spec-node')),
      ...(await readKnownFailing('h2spec-native')),
    ]);
  });
});

/**
 * The cases that fail, by the id under which h2spec runs one alone and by what it does, with what came instead; but for
 * those that may.
 */
async function failing(port: number, races?: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  await using folder = await temporaryFolder();
  const report = join(folder.path, 'report.xml');
  await run(TOOLS.h2spec, ['-h', '127.0.0.1', '-p', String(port), '-o', WAIT_SECONDS, '-j', report]);
  const failed = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { section, what, fault } of casesOf(await readFile(report, 'latin1'))) {
    const number = (counts.get(section) ?? 0) + 1;
    counts.set(section, number);
    const name = `${section}/${number} ${what}`;
    if (fault !== undefined && !races?.has(name)) failed.set(name, fault);
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(all, CASES, 'it ran another number of cases');
  return failed;
}

interface Case {
  readonly section: string;
  readonly what: string;
  readonly fault: string | undefined;
}

/** The cases of a report in the form of JUnit. h2spec quotes what it got, which need not be XML. */
function casesOf(report: string): Case[] {
  const pattern = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
  return [...report.matchAll(pattern)].map(([, section = '', what = '', inside = '']) => ({
    section,
    what: what.replaceAll('&#34;', '"'),
    fault: /<(?:error|failure)>(.*)<\/(?:error|failure)>/s.exec(inside)?.[1],
  }));
}
