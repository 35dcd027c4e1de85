import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namesOf } from '../../../src/domain/access/client-certificate.ts';
import { clientRoleOf, parseClientRole } from '../../../src/domain/access/client-role.ts';

describe('The names of a certificate', () => {
  it('are its URIs, hosts and addresses for e-mail, and nothing else', () => {
    for (const [text, names] of [
      [undefined, []],
      ['', []],
      ['URI:spiffe://example.org/Shop', ['uri:spiffe://example.org/Shop']],
      ['DNS:Shop.Example.COM, DNS:b', ['dns:shop.example.com', 'dns:b']],
      ['email:Ann@Example.COM', ['email:Ann@example.com']],
      ['IP Address:192.0.2.1, othername:<unsupported>, DirName:/CN=a, URI:a:b', ['uri:a:b']],
    ] as const) {
      assert.deepEqual(namesOf(text), names);
    }
  });

  it('cannot be made to look like others', () => {
    for (const [text, names] of [
      ['URI:"https://a.example/, DNS:admin.example"', ['uri:https://a.example/, DNS:admin.example']],
      ['URI:"a\\", DNS:admin.example, URI:\\"b"', ['uri:a", DNS:admin.example, URI:"b']],
      // What Node would not write is not guessed at.
      ['URI:"a, DNS:admin.example', []],
      ['DNS:a"b, DNS:admin.example', []],
      ['admin.example', []],
    ] as const) {
      assert.deepEqual(namesOf(text), names);
    }
  });
});

describe('What a name may do', () => {
  it('is read from its end, since a name may have everything in it', () => {
    for (const [text, role] of [
      ['uri:spiffe://a/b?c=d=publish@acme/100', ['uri:spiffe://a/b?c=d', 'PUBLISH', 'acme', 100]],
      ['dns:CI.example.com=manage', ['dns:ci.example.com', 'MANAGE', undefined, 0]],
      ['email:Ann@Example.com=admin@ops', ['email:Ann@example.com', 'ADMIN', 'ops', 0]],
      ['uri:a=read/7', ['uri:a', 'READ', undefined, 7]],
    ] as const) {
      const parsed = parseClientRole(text);
      assert.deepEqual(parsed && [parsed.name, parsed.role, parsed.namespace, parsed.callsPerSecond], role);
    }
  });

  it('is refused where it is anything else', () => {
    for (const text of [
      '',
      'uri:a',
      'uri:=read',
      'a=read',
      'cn:a=read',
      'uri:a=owner',
      'uri:a=READ',
      'uri:a=read@',
      'uri:a=read@Acme',
      'uri:a=read@-acme',
      'uri:a=read/0',
      'uri:a=read/1000001',
      'uri:a=read/1.5',
      'uri:a=read ',
    ]) {
      assert.equal(parseClientRole(text), undefined, text);
    }
  });

  it('is what the first role says that is for one of the names', () => {
    const roles = ['uri:b=read', 'dns:a=admin', 'uri:b=manage'].map((text) => parseClientRole(text)!);
    assert.equal(clientRoleOf({ names: ['dns:a', 'uri:b'] }, roles)?.role, 'READ');
    assert.equal(clientRoleOf({ names: ['dns:a'] }, roles)?.role, 'ADMIN');
    assert.equal(clientRoleOf({ names: ['uri:a', 'dns:b'] }, roles), undefined);
    assert.equal(clientRoleOf({ names: [] }, roles), undefined);
  });
});
