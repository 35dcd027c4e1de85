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
/** How long it waits for what a server must do; it waits for this long where a server does nothing. */
const WAIT_SECONDS = '3';
/**
 * What came last when a request was answered before the server looked at what the case sends behind it. Then the case says
 * nothing, and is run again: it has to pass once.
 */
const ANSWERED =
  /\n(?:DATA Frame \(length:\d+, flags:0x01|RST_STREAM Frame \(length:4, flags:0x00), stream_id:1\)$/;
/** How often at most. Few are answered first twice, and only where the machine is busy. */
const RUNS_MAX = 10;

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
      await assertFailing(port, await readKnownFailing('h2spec-node'));
    } finally {
      server.close();
    }
  });

  it('has no more than that and one case against the port for everything', async () => {
    await assertFailing(carillon.port, [
      ...(await readKnownFailing('h2spec-node')),
      ...(await readKnownFailing('h2spec-shared')),
    ]);
  });

  it('has no more than that and one case against the port of native gRPC', async () => {
    await assertFailing(Number(carillon.grpcAddress.split(':')[1]), [
      ...(await readKnownFailing('h2spec-node')),
      ...(await readKnownFailing('h2spec-native')),
    ]);
  });
});

/** Asserts that just these cases fail. They go by the id under which h2spec runs one alone, and by what they do. */
async function assertFailing(port: number, known: readonly string[]): Promise<void> {
  const all = await casesOf(port);
  assert.equal(all.length, CASES, 'it ran another number of cases');
  const failed = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { section, what, fault } of all) {
    const number = (counts.get(section) ?? 0) + 1;
    counts.set(section, number);
    const id = `${section}/${number}`;
    const name = `${id} ${what}`;
    const found = known.includes(name) ? fault : await judged(port, id, fault);
    if (found !== undefined) failed.set(name, found);
  }
  assertOnlyKnown(failed, known);
}

/** What came instead in a case, which is run again while it says nothing. */
async function judged(port: number, id: string, first: string | undefined): Promise<string | undefined> {
  let fault = first;
  for (let runs = 1; runs < RUNS_MAX && fault !== undefined && ANSWERED.test(fault); runs++) {
    const cases = await casesOf(port, id);
    assert.equal(cases.length, 1, `it does not run ${id} alone`);
    fault = cases[0]!.fault;
  }
  return fault;
}

/** Runs all cases, or one of them. */
async function casesOf(port: number, ...id: readonly string[]): Promise<Case[]> {
  await using folder = await temporaryFolder();
  const report = join(folder.path, 'report.xml');
  await run(TOOLS.h2spec, ['-h', '127.0.0.1', '-p', String(port), '-o', WAIT_SECONDS, '-j', report, ...id]);
  return casesIn(await readFile(report, 'latin1'));
}

interface Case {
  readonly section: string;
  readonly what: string;
  /** What was expected and, in the last line, what came instead; undefined where it passed. */
  readonly fault: string | undefined;
}

/** The cases of a report in the form of JUnit. h2spec quotes what it got, which need not be XML. */
function casesIn(report: string): Case[] {
  const pattern = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
  return [...report.matchAll(pattern)].map(([, section = '', what = '', inside = '']) => ({
    section,
    what: what.replaceAll('&#34;', '"'),
    fault: /<(?:error|failure)>(.*)<\/(?:error|failure)>/s.exec(inside)?.[1],
  }));
}
