import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { bindingsOf } from '../../support/rest.ts';
import { sharedApi } from '../../support/rpc.ts';

interface Operation {
  readonly description: string;
  readonly operationId: string;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties?: Record<string, object> }>>;
  };
}

describe('/openapi.json', () => {
  const api = sharedApi();
  const read = async () => (await fetch(`${api().url}/openapi.json`)).json() as Promise<Document>;

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate((await read()) as never);
    assert.deepEqual([valid, errors, validator.version], [true, undefined, '3.1']);
  });

  it('has every place in REST, and no other', async () => {
    const { paths } = await read();
    const described = Object.entries(paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    const bound = api().api.services.mounted.flatMap(({ service }) => service.methods.flatMap(bindingsOf));
    assert.deepEqual(
      described.sort(),
      bound.map(({ verb, path }) => `${verb} ${path.replace('{webhook.id}', '{id}')}`).sort(),
    );
  });

  it('says of every method and every field of ours what the proto files say', async () => {
    const { paths, components } = await read();
    for (const operation of Object.values(paths).flatMap((verbs) => Object.values(verbs))) {
      assert.ok(operation.description !== '', operation.operationId);
    }
    const ours = Object.entries(components.schemas).filter(
      ([name]) => !name.includes('.v1.') && name !== 'Error',
    );
    for (const [name, { properties = {} }] of ours.filter(([each]) => !each.startsWith('google.'))) {
      for (const [field, schema] of Object.entries(properties)) {
        assert.ok('description' in schema || '$ref' in schema, `${name}.${field}`);
      }
    }
    assert.match(JSON.stringify(components.schemas.Webhook), /What the caller calls it\. Greeted by/);
  });

  it('is only read', async () => {
    const refused = await fetch(`${api().url}/openapi.json`, { method: 'POST', body: '{}' });
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD']);
  });
});

describe('/docs', () => {
  const api = sharedApi();

  it('describes every method, with links that lead somewhere', async () => {
    const response = await fetch(`${api().url}/docs`);
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    const html = await response.text();
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    const links = [...html.matchAll(/ href="#([^"]+)"/g)].map((match) => match[1]);
    assert.deepEqual(
      links.filter((link) => !ids.has(link)),
      [],
    );
    for (const { service } of api().api.services.mounted) {
      for (const method of service.methods.filter((each) => bindingsOf(each).length > 0)) {
        assert.ok(ids.has(`${service.name}_${method.name}`), method.name);
      }
    }
  });

  it('needs nothing from elsewhere, runs no script, and says so to browsers', async () => {
    const response = await fetch(`${api().url}/docs`);
    const html = await response.text();
    assert.ok(!/<script|<style| style=|<[^>]+ on\w+=/.test(html));
    assert.deepEqual(
      [...html.matchAll(/ (?:src|href)="([^"#][^"]*)"/g)].map((match) => match[1]),
      ['/docs/reference.css', '/openapi.json'],
    );
    assert.match(
      response.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; style-src 'self';/,
    );
    const style = await fetch(`${api().url}/docs/reference.css`);
    assert.equal(style.headers.get('content-type'), 'text/css; charset=utf-8');
    assert.ok(!(await style.text()).includes('url('));
  });

  it('answers HEAD without a body', async () => {
    const length = await new Promise((resolve, reject) => {
      const request = httpRequest(`${api().url}/docs`, { method: 'HEAD' }, (response) => {
        response.resume();
        resolve(Number(response.headers['content-length']));
      });
      request.on('error', reject);
      request.end();
    });
    assert.equal(length, Buffer.byteLength(await (await fetch(`${api().url}/docs`)).text()));
  });
});
