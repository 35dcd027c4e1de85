import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkTemplate, type Payload, type RunContext, renderRun } from '../../src/domain/template.ts';
import { aWebhook } from '../support/store.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const text = new TextDecoder();

function context(payload?: Payload, nominalAt?: number): RunContext {
  const webhook = aWebhook();
  const spec = { ...webhook.spec, name: 'joe', labels: { team: 'a' }, ...(payload && { payload }) };
  return { webhook: { ...webhook, spec }, now: NOW, ...(nominalAt !== undefined && { nominalAt }) };
}

function template(source: string): Payload {
  return { body: { kind: 'template', source }, contentType: 'application/json' };
}

describe("a run's body", () => {
  it('is the greeting without a payload', () => {
    const { body, contentType } = renderRun(context());
    assert.equal(text.decode(body), 'Hello joe, current time is 2026-01-02T03:04:05.678Z');
    assert.equal(contentType, 'text/plain; charset=utf-8');
  });

  it('is text or bytes as they were given', () => {
    const data = new Uint8Array([0, 255, 10]);
    assert.deepEqual(renderRun(context({ body: { kind: 'data', data }, contentType: 'a/b' })), {
      body: data,
      contentType: 'a/b',
    });
    const { body } = renderRun(context({ body: { kind: 'text', text: '{{ now }} ü' }, contentType: 'a/b' }));
    assert.equal(text.decode(body), '{{ now }} ü');
  });

  it('is a template over the webhook, the run and the time', () => {
    const source =
      '{{ webhook.name }}/{{ webhook.labels.team }}/{{ run.scheduled_at }}/{{ run.manual }}/{{ now }}';
    const rendered = text.decode(renderRun(context(template(source), NOW - 678)).body);
    assert.equal(rendered, 'joe/a/2026-01-02T03:04:05.000Z/false/2026-01-02T03:04:05.678Z');
  });

  it('knows a trigger from a scheduled run', () => {
    assert.equal(
      text.decode(renderRun(context(template('{{ run.manual }}{{ run.scheduled_at }}'))).body),
      'true',
    );
  });

  it('may not grow beyond its bound', () => {
    const source = `{% for i in (1..200) %}{{ webhook.labels.big }}{% endfor %}`;
    const given = context(template(source));
    const spec = { ...given.webhook.spec, labels: { big: 'x'.repeat(10_000) } };
    assert.throws(() => renderRun({ ...given, webhook: { ...given.webhook, spec } }), { code: 'INVALID' });
  });
});

describe('checkTemplate', () => {
  const refused: [string, string, RegExp][] = [
    ['an output that is not closed', 'ab {{ webhook.name', /line:1, col:4/],
    ['a tag that does not exist', 'a\n{% nope %}', /line:2/],
    ['a filter that does not exist', '{{ now | nope }}', /undefined filter: nope/],
    ['a file', '{% include "package.json" %}', /package\.json/],
    [
      'a loop that would take forever',
      '{% for i in (1..10000) %}{% for j in (1..10000) %}x{% endfor %}{% endfor %}',
      /limit exceeded/,
    ],
    ['a range that would take all memory', '{% for i in (1..100000000) %}x{% endfor %}', /limit exceeded/],
  ];
  for (const [what, source, message] of refused) {
    it(`refuses ${what} and says where`, () => {
      assert.throws(
        () => checkTemplate(source, 'webhook.payload.template', context()),
        (error: Error & { violations: unknown[] }) => {
          assert.match(error.message, /^webhook\.payload\.template: /);
          assert.match(error.message, message);
          assert.equal(error.violations.length, 1);
          return true;
        },
      );
    });
  }

  it('does not let a template reach what an object inherits', () => {
    const given = context(
      template('{{ webhook.constructor }}{{ webhook.__proto__ }}{{ now.constructor.name }}'),
    );
    assert.equal(text.decode(renderRun(given).body), '');
  });
});
