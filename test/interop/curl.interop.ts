import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Call, type ConnectErrorJson, type Json, refusalOf } from '../support/call.ts';
import { output, TOOLS } from './tool.ts';
import { assertVisit, openWorld, visit, type World } from './visit.ts';

/** What curl prints after the body. */
const STATUS = '\n%{http_code}';
const READS = /\/(?:Get|List|PreviewSchedule|ListDeliveries|GetDelivery)$/;

describe('curl', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  it('makes the whole visit by Connect with JSON', async () => {
    const call = curlCall(world.carillon.url, (request) => [
      ...['--header', 'content-type: application/json'],
      ...['--data', JSON.stringify(request)],
    ]);
    assertVisit(await visit(call, world, 'curl'), world, 'curl');
  });

  it('makes it with Connect GET for whatever only reads', async () => {
    const call = curlCall(world.carillon.url, (request, rpc) => {
      const json = JSON.stringify(request);
      if (!READS.test(rpc)) return ['--header', 'content-type: application/json', '--data', json];
      return ['--get', '--data', 'connect=v1&encoding=json', '--data-urlencode', `message=${json}`];
    });
    assertVisit(await visit(call, world, 'curl-get'), world, 'curl-get');
  });

  it('makes it over HTTP/2', async () => {
    const call = curlCall(world.carillon.url, (request) => [
      '--http2-prior-knowledge',
      ...['--header', 'content-type: application/json'],
      ...['--data', JSON.stringify(request)],
    ]);
    assertVisit(await visit(call, world, 'curl-h2'), world, 'curl-h2');
  });

  it('registers, reads and removes on the plain paths', async () => {
    const url = `${world.carillon.url}/webhooks`;
    const webhook = { name: 'plain', destination: world.destination, schedule: { cron: '@yearly' } };
    const registered = await curl(url, [
      ...['--request', 'POST', '--header', 'content-type: application/json'],
      ...['--data', JSON.stringify(webhook)],
    ]);
    assert.equal(registered.status, 201);
    const { id } = registered.answer.webhook as { id: string };
    assert.equal((await curl(`${url}/${id}`, [])).answer.id, id);
    const { webhooks } = (await curl(url, [])).answer as { webhooks: Json[] };
    assert.deepEqual(
      webhooks.map((listed) => listed.id),
      [id],
    );
    assert.equal((await curl(`${url}/${id}`, ['--request', 'DELETE'])).status, 200);
    assert.equal((await curl(`${url}/${id}`, [])).status, 404);
  });
});

function curlCall(url: string, argsOf: (request: Json, rpc: string) => string[]): Call {
  return async (rpc, request) => {
    const { status, answer } = await curl(`${url}/carillon.v1.${rpc}`, argsOf(request, rpc));
    if (status !== 200) throw refusalOf(answer as unknown as ConnectErrorJson);
    return answer;
  };
}

async function curl(url: string, args: readonly string[]): Promise<{ status: number; answer: Json }> {
  const printed = await output(TOOLS.curl, ['--silent', '--show-error', '--write-out', STATUS, ...args, url]);
  const end = printed.lastIndexOf('\n');
  return { status: Number(printed.slice(end + 1)), answer: JSON.parse(printed.slice(0, end)) as Json };
}
