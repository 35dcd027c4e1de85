import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openEvent } from '../../../src/domain/event/data.ts';
import type { EventBody } from '../../../src/domain/event/event.ts';
import { checkTemplate, headerTemplateViolations } from '../../../src/domain/template/judge.ts';
import type { RunContext } from '../../../src/domain/template/scope.ts';
import {
  makeDelivery,
  renderForEvent,
  renderOwnHeaders,
  renderRun,
} from '../../../src/domain/template/template.ts';
import type { Payload } from '../../../src/domain/webhook/payload.ts';
import { aWebhook } from '../../support/store.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const text = new TextDecoder();

function context(payload?: Payload, nominalAt?: number): RunContext {
  const webhook = aWebhook();
  const said = { name: 'joe', labels: { team: 'a' }, ...(payload && { payload }) };
  const effective = { ...webhook.effective, ...said };
  return { webhook: { ...webhook, effective }, now: NOW, ...(nominalAt !== undefined && { nominalAt }) };
}

const NOTHING: Payload = { contentType: 'application/json', eventFormat: 'ENVELOPE', headerTemplates: {} };

function template(source: string, contentType = 'text/plain'): Payload {
  return { ...NOTHING, contentType, body: { kind: 'template', source } };
}

function withHeaders(headerTemplates: Record<string, string>): Payload {
  return { ...NOTHING, headerTemplates };
}

function anEvent(
  body: string | Uint8Array,
  contentType = 'application/json',
  more: Partial<EventBody> = {},
): EventBody {
  return {
    id: 'evt_01KDVKFM000000000000000000',
    type: 'order.paid',
    time: NOW,
    contentType,
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    headers: {},
    createdAt: NOW,
    ...more,
  };
}

/** What a template makes of an event. */
function ofEvent(source: string, event: EventBody): string {
  const rendered = renderForEvent(context(template(source)).webhook, openEvent(event), NOW);
  return text.decode(rendered!.body);
}

describe("a run's body", () => {
  it('is the greeting without a payload', () => {
    const { body, contentType } = renderRun(context());
    assert.equal(text.decode(body), 'Hello joe, current time is 2026-01-02T03:04:05.678Z');
    assert.equal(contentType, 'text/plain; charset=utf-8');
  });

  it('is the greeting with a payload that has no body for it', () => {
    const { body, contentType, headers } = renderRun(
      context(withHeaders({ 'x-manual': '{{ run.manual }}' })),
    );
    assert.match(text.decode(body), /^Hello joe, /);
    assert.equal(contentType, 'text/plain; charset=utf-8');
    assert.deepEqual(headers, { 'x-manual': 'true' });
  });

  it('is text or bytes as they were given', () => {
    const data = new Uint8Array([0, 255, 10]);
    assert.deepEqual(renderRun(context({ ...NOTHING, body: { kind: 'data', data } })), {
      body: data,
      contentType: 'application/json',
      headers: {},
    });
    const { body } = renderRun(context({ ...NOTHING, body: { kind: 'text', text: '{{ now }} ü' } }));
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
    const effective = { ...given.webhook.effective, labels: { big: 'x'.repeat(10_000) } };
    assert.throws(() => renderRun({ ...given, webhook: { ...given.webhook, effective } }), {
      code: 'INVALID',
    });
  });
});

describe("a run's headers", () => {
  it('are made by their templates, of one line', () => {
    const given = context(
      withHeaders({ 'x-at': '  {{ run.scheduled_at }}\n', 'x-empty': '{{ event.id }}' }),
      NOW,
    );
    const headers = { 'x-at': '2026-01-02T03:04:05.678Z', 'x-empty': '' };
    assert.deepEqual(renderRun(given).headers, headers);
    const run = { ...anEvent('', 'text/plain'), type: 'carillon.run', nominalAt: NOW };
    assert.deepEqual(makeDelivery(given.webhook, openEvent(run), NOW), {
      format: 'BODY',
      rendered: { headers },
    });
  });
});

describe('an event in a template', () => {
  it('has what its publisher said of it', () => {
    const event = anEvent('{"items":[{"n":1},{"n":2}]}', undefined, {
      callerId: 'mine',
      source: '/s',
      subject: 'x',
    });
    assert.equal(
      ofEvent(
        '{{ event.id }} {{ event.type }} {{ event.source }} {{ event.subject }} {{ event.time }}{{ event.extensions.no }}',
        event,
      ),
      'mine order.paid /s x 2026-01-02T03:04:05.678Z',
    );
    assert.equal(ofEvent('{% for i in event.data.items %}{{ i.n }};{% endfor %}', event), '1;2;');
    assert.equal(ofEvent('{{ webhook.name }} {{ now }}', event), 'joe 2026-01-02T03:04:05.678Z');
    assert.equal(ofEvent('{{ run.manual }}', event), '');
  });

  it('has an id of its own, and empty text for what is not said', () => {
    const source = '{{ event.id }}|{{ event.source }}|{{ event.subject }}|{{ event.data }}';
    assert.equal(ofEvent(source, anEvent('')), 'evt_01KDVKFM000000000000000000|||');
  });

  it('has text as it is, and bytes as base64', () => {
    assert.equal(ofEvent('{{ event.data }}', anEvent('ü', 'text/plain')), 'ü');
    assert.equal(
      ofEvent('{{ event.data }}', anEvent(new Uint8Array([0, 1]), 'application/octet-stream')),
      'AAE=',
    );
  });

  it('can be written as JSON', () => {
    assert.equal(ofEvent('{{ event.data.a | json }}', anEvent('{"a":{"b":[1,"x"]}}')), '{"b":[1,"x"]}');
  });

  it('comes to nothing worse than an error with hostile data', () => {
    const hostile = [
      '{"toString":1,"valueOf":2}',
      '{"toLiquid":"x"}',
      `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    ];
    for (const body of hostile) {
      for (const source of ['{{ event.data }}', '{{ event.data | json }}', '{{ event.data | size }}']) {
        try {
          ofEvent(source, anEvent(body));
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'INVALID', String(error));
        }
      }
    }
    assert.equal(ofEvent('{{ event.data.constructor }}{{ event.data.__proto__ }}', anEvent('{}')), '');
  });

  it('is rendered with its media type and headers', () => {
    const payload: Payload = {
      ...template('{{ event.type | json }}', 'application/json'),
      headerTemplates: { 'x-type': '{{ event.type }}' },
    };
    assert.deepEqual(renderForEvent(context(payload).webhook, openEvent(anEvent('{}')), NOW), {
      body: new TextEncoder().encode('"order.paid"'),
      contentType: 'application/json',
      headers: { 'x-type': 'order.paid' },
    });
  });

  it('is not rendered without templates, and only in headers where there is none for the body', () => {
    const rendered = (payload?: Payload) =>
      renderForEvent(context(payload).webhook, openEvent(anEvent('{}')), NOW);
    assert.equal(rendered(), undefined);
    assert.equal(rendered({ ...NOTHING, body: { kind: 'text', text: 'for runs' } }), undefined);
    assert.deepEqual(rendered(withHeaders({ 'x-a': '{{ event.type }}' })), {
      headers: { 'x-a': 'order.paid' },
    });
  });

  it('cannot put anything into a header that a header cannot carry', () => {
    for (const value of ['a\r\nx-injected: 1', 'Łukasz', 'x'.repeat(4097)]) {
      const webhook = context(withHeaders({ 'x-name': '{{ event.data.name }}' })).webhook;
      const event = anEvent(JSON.stringify({ name: value }));
      assert.throws(() => renderForEvent(webhook, openEvent(event), NOW), {
        code: 'INVALID',
        message: /the header x-name has a value/,
      });
    }
  });

  it('has a header of any name', () => {
    const templates = JSON.parse('{"__proto__":"{{ event.type }}","x-a":"{{ event.data.a }}1"}') as Record<
      string,
      string
    >;
    const { webhook } = context(withHeaders(templates));
    const { headers } = renderForEvent(webhook, openEvent(anEvent('{}')), NOW)!;
    assert.deepEqual(Object.entries(headers), [
      ['__proto__', 'order.paid'],
      ['x-a', '1'],
    ]);
  });

  it('pays for its headers and its body together', () => {
    const source = '{% for i in (1..5000) %}{{ i }}{% endfor %}';
    const body = `${source}{{ event.data }}`;
    const rendered = (headerTemplates: Record<string, string>) =>
      renderForEvent(context({ ...template(body), headerTemplates }).webhook, openEvent(anEvent('"x"')), NOW);
    assert.ok(rendered({}));
    assert.throws(
      () => rendered({ 'x-a': `${source.replace('{{ i }}', '{% assign x = i %}')}{{ event.id }}` }),
      {
        code: 'INVALID',
        message: /takes more than 100000 steps/,
      },
    );
  });

  it('cannot make more headers than receivers take', () => {
    const value = '{{ event.data }}';
    const webhook = context(withHeaders({ 'x-a': value, 'x-b': value })).webhook;
    const event = anEvent('x'.repeat(4000), 'text/plain');
    assert.throws(() => renderForEvent(webhook, openEvent(event), NOW), { message: /more than 6144 bytes/ });
  });
});

describe('header templates', () => {
  const judged = (templates: Record<string, string>) =>
    headerTemplateViolations(templates, 'webhook.payload.header_templates', context());

  it('are good with names that a webhook can have', () => {
    assert.deepEqual(
      judged({ 'X-Order': '{{ event.data.id | default: "none" }}', authorization: 'Bearer x' }),
      [],
    );
  });

  it('are judged by name, as templates, and by what they always make', () => {
    const violations = judged({
      host: 'x',
      'x-open': '{{ event.id',
      'x-filter': '{{ now | nope }}',
      'x-lines': 'a\nb',
      'x-good': '{{ now }}',
    });
    assert.deepEqual(
      violations.map(({ field }) => field),
      ['host', 'x-open', 'x-filter', 'x-lines'].map((name) => `webhook.payload.header_templates["${name}"]`),
    );
    assert.match(violations[1]!.description, /line:1/);
    assert.match(violations[3]!.description, /cannot carry/);
  });
});

describe('checkTemplate', () => {
  const refused: [string, string, RegExp][] = [
    ['an output that is not closed', 'ab {{ webhook.name', /line:1, col:4/],
    ['a tag that does not exist', 'a\n{% nope %}', /line:2/],
    ['a filter that does not exist', '{{ now | nope }}', /undefined filter: nope/],
    ['a file', '{% include "package.json" %}', /tag "include" not found, line:1/],
    [
      'a loop that would take forever',
      '{% for i in (1..10000) %}{% for j in (1..10000) %}x{% endfor %}{% endfor %}',
      /takes more than 100000 steps, line:1/,
    ],
    [
      'a range that would take all memory',
      '{{ (1..100000000) | size }}',
      /takes more than 100000 steps, line:1/,
    ],
    ['more source than there may be', 'x'.repeat(65_537), /has 65537 characters: give at most 65536$/],
  ];
  for (const [what, source, message] of refused) {
    it(`refuses ${what} and says where`, () => {
      assert.throws(
        () => checkTemplate(source, 'webhook.payload.template', 'text/plain', context()),
        (error: Error & { violations: unknown[] }) => {
          assert.match(error.message, /^webhook\.payload\.template: /);
          assert.match(error.message, message);
          assert.equal(error.violations.length, 1);
          return true;
        },
      );
    });
  }

  it('takes a template for a run that needs most of the steps that there are', () => {
    const source = '{% for i in (1..6000) %}{{ i }}{% endfor %}';
    checkTemplate(source, 'webhook.payload.template', 'text/plain', context());
    assert.ok(renderRun(context(template(source))).body.length > 6000);
    const headers = { 'x-a': '{% for i in (1..6000) %}{% assign x = i %}{% endfor %}a' };
    assert.deepEqual(headerTemplateViolations(headers, 'f', context()), []);
    const tooMuch = { ...headers, 'x-b': headers['x-a'] };
    assert.match(headerTemplateViolations(tooMuch, 'f', context())[0]!.description, /100000 steps/);
  });

  it('does not let a template reach what an object inherits', () => {
    const given = context(
      template('{{ webhook.constructor }}{{ webhook.__proto__ }}{{ now.constructor.name }}'),
    );
    assert.equal(text.decode(renderRun(given).body), '');
  });
});

describe('a header that reads the webhook only', () => {
  it('is made of the webhook as it is, and of no event', () => {
    const given = context(
      withHeaders({
        authorization: 'Bearer {{ webhook.labels.team }}',
        'x-fixed': 'run now',
        'x-type': '{{ event.type }}',
        'x-at': '{{ now }}',
      }),
    );
    assert.deepEqual(renderOwnHeaders(given.webhook), { authorization: 'Bearer a', 'x-fixed': 'run now' });
    const made = renderForEvent(given.webhook, openEvent(anEvent('{}')), NOW);
    assert.deepEqual(made, { headers: { 'x-type': 'order.paid', 'x-at': '2026-01-02T03:04:05.678Z' } });
  });

  for (const source of [
    '{% for i in (1..event.data.n) %}x{% endfor %}',
    '{{ webhook.labels | where_exp: "label", "label == event.type" }}',
    '{{ "now" | date: "%Y" }}',
    '{{ webhook.labels.when | date: "%Y" }}',
    '{{ webhook.labels | sample }}',
    '{% assign x = run.manual %}{{ x }}',
    '{{ webhook.labels[event.type] }}',
  ]) {
    it(`is not one that may read something else: ${source}`, () => {
      assert.deepEqual(renderOwnHeaders(context(withHeaders({ 'x-a': source })).webhook), {});
    });
  }

  it('is one with a label that is called as other variables are', () => {
    const { webhook } = context(withHeaders({ 'x-a': '{{ webhook.labels.event }}' }));
    assert.deepEqual(renderOwnHeaders(webhook), { 'x-a': '' });
  });
});

describe('the filter percent_encode', () => {
  it('makes a header of any text, as CloudEvents does', () => {
    const { webhook } = context(withHeaders({ 'x-name': '{{ event.data.name | percent_encode }}' }));
    const made = (name: unknown) =>
      renderForEvent(webhook, openEvent(anEvent(JSON.stringify({ name }))), NOW)?.headers['x-name'];
    assert.equal(made('Zoë 漢 50%'), 'Zo%C3%AB%20%E6%BC%A2%2050%25');
    assert.equal(made('"a/b?c=d&e"'), '%22a/b?c=d&e%22');
    assert.equal(made(['ä', 1]), '%C3%A41');
    assert.equal(made(null), '');
  });
});

describe('a body that is said to be JSON', () => {
  const make = (source: string, contentType: string) =>
    renderForEvent(context(template(source, contentType)).webhook, openEvent(anEvent('{"n":1}')), NOW);

  for (const contentType of ['application/json', 'application/vnd.order+json; charset=utf-8']) {
    it(`is made where it is JSON, and fails where it is not (${contentType})`, () => {
      assert.equal(text.decode(make('{"n": {{ event.data.n }}}', contentType)?.body), '{"n": 1}');
      assert.throws(() => make('{"n": x{{ event.data.n }}}', contentType), {
        reason: 'TEMPLATE_FAILED',
        message: `the body that the template made is not JSON, as its content type says: Unexpected token 'x'`,
      });
      assert.throws(() => make('', contentType), /is not JSON/);
    });
  }

  it('may be anything where it is not', () => {
    assert.equal(text.decode(make('{"n": }', 'text/plain')?.body), '{"n": }');
  });

  it('is judged at registration where it is the same for every event', () => {
    const check = (source: string) => checkTemplate(source, 'template', 'application/json', context());
    assert.throws(() => check('{"name": {{ webhook.name }}}'), /is not JSON, as its content type says/);
    check('{"name": {{ webhook.name | json }}}');
    // Only with an event's data can it be told.
    check('{"total": {{ event.data.total }}}');
  });
});
