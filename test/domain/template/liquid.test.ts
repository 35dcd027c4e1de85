import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderLiquid } from '../../../src/domain/template/liquid.ts';
import { metered } from '../../../src/domain/template/liquid-meter.ts';

const NOW = '2026-01-02T03:04:05.678Z';

function render(source: string, given: object = {}): string {
  return metered(() => renderLiquid(source, { now: NOW, ...given }));
}

const LETTERS = 'a'.repeat(400_000);
/** Takes V8 the product of the lengths to look for in `LETTERS`. */
const HIDDEN = `${'a'.repeat(50_000)}b${'a'.repeat(50_000)}`;
const ITEMS = Array.from({ length: 50_000 }, (_, n) => ({ n, items: [n] }));
const MEMBERS = Object.fromEntries(ITEMS.map(({ n }) => [`k${n}`, n]));
const PAIRS = ITEMS.map(({ n }) => [n, n]);
const DATA = { letters: LETTERS, hidden: HIDDEN, items: ITEMS, members: MEMBERS, pairs: PAIRS };

/** A list of two lists of two lists …, which are all the same: 2^40 elements in no room. */
const TREE =
  '{% assign a = "x" | split: "" %}' +
  '{% for i in (1..40) %}{% assign a = "" | split: "" | push: a | push: a %}{% endfor %}';

/** One that is built without going through what it is built of, which is for others to refuse. */
function tree(depth: number): unknown {
  let list: unknown = ['x'];
  for (let i = 0; i < depth; i++) list = [list, list];
  return list;
}

describe('a template whose cost grows without bound', () => {
  const costly: Record<string, string> = {
    'loops in loops': '{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}',
    'a loop that ends at once, over much': loopOf('{% for x in data.members %}{% break %}{% endfor %}'),
    'a part of a long list, again and again': loopOf(
      '{% for x in data.items offset: 1 limit: 1 %}{% endfor %}',
    ),
    'a table of it': loopOf('{% tablerow x in data.items limit: 1 %}{% endtablerow %}'),
    'the size of an object': loopOf('{{ data.members.size }}'),
    'a condition for each element': '{{ data.items | where_exp: "x", "x.n > 5" | size }}',
    'conditions in conditions':
      `{% assign a = (1..2000) %}{% assign f = "a | has_exp: 'z', 'z == 0'" %}` +
      `{% assign e = "a | has_exp: 'y', f" %}{{ a | where_exp: "x", e | size }}`,
    'a property of each element': '{{ data.items | map: "n" | size }}',
    'elements with a property': '{{ data.items | where: "n", 7 | size }}',
    sorting: '{{ data.letters | split: "" | sort | size }}',
    shuffling: '{{ data.letters | split: "" | sample | size }}',
    adding: loopOf('{{ data.items | sum: "n" }}'),
    'text looked for in text': '{% if data.letters contains data.hidden %}{% endif %}',
    'text replaced in text': '{{ data.letters | replace: data.hidden, "" | size }}',
    'the last text removed from text': '{{ data.letters | remove_last: data.hidden | size }}',
    'text divided by text': '{{ data.letters | split: data.hidden | size }}',
    'long texts compared': loopOf('{% if data.letters == data.letters %}{% endif %}'),
    'long lists compared': '{% if data.items == data.items and data.items != data.items %}{% endif %}',
    'lists of lists compared': '{% if data.pairs == data.pairs %}{% endif %}',
    'a long list looked through, again and again':
      '{% if data.items contains 7 or data.items contains nothing or data.items contains data.items %}{% endif %}',
    'a long list matched': '{% case data.items %}{% when 1, 2, 3 %}{% endcase %}',
    'long lists put in order': `{% if ${'data.items < 1 or '.repeat(12)} 2 < 1 %}{% endif %}`,
    'a long text matched': `{% case data.letters %}{% when ${'data.hidden, '.repeat(4_000)} 1 %}{% endcase %}`,
    'long texts worked on': loopOf('{{ data.letters | upcase | size }}'),
    'JSON again and again': loopOf('{{ data.items | json | size }}'),
    'dates in words, of many zones': loopOf('{{ now | date: "%A %B", "Asia/Tokyo" }}'),
    'a name that is long': loopOf('{{ data.members[data.letters] }}'),
    'a list that doubles':
      '{% assign a = (1..9) %}{% for i in (1..40) %}{% assign a = a | concat: a %}{% endfor %}',
    'a tree of lists': TREE,
    'a tree that is written': '{{ tree }}',
    'a tree that is text': '{{ tree | upcase }}',
    'a tree that is joined': '{{ tree | join: "" }}',
    'a tree that is JSON': '{{ tree | json }}',
    'a tree that is looked at': '{{ tree | inspect }}',
    'a tree that is compared': '{% if tree == same %}{% endif %}',
    'a tree that is ordered': '{% if tree < same %}{% endif %}',
    'a tree in a case': '{% case tree %}{% when same %}{% endcase %}',
    'a tree that is contained': '{% if tree contains same %}{% endif %}',
    'a tree as a name': '{{ data[tree] }}',
    'a tree as a number': '{{ 1 | plus: tree }}',
    'a tree as the end of a range': '{{ (1..tree) | size }}',
    'a tree as a limit': '{% for x in data.items limit: tree %}{% endfor %}',
    'a tree as a group': '{% cycle tree: 1, 2 %}',
    'a tree to look for': '{{ data.items | where: "items", tree | size }}',
    'a tree as a default': '{{ nothing | default: tree }}',
  };
  const given = { data: DATA, tree: tree(40), same: tree(40) };
  for (const [what, source] of Object.entries(costly)) {
    it(`is refused for its steps: ${what}`, () => {
      assert.throws(() => render(source, given), /takes more than 100000 steps, line:1/);
    });
  }

  it('is refused for what it makes', () => {
    const doubling = '{% capture x %}{{ x }}{{ x }}{% endcapture %}'.repeat(40);
    assert.throws(() => render(`{% assign x = "long" %}${doubling}`), /makes more than 1048576 characters/);
    assert.throws(
      () => render('{{ a }}{{ a }}{{ a }}', { a: LETTERS }),
      /makes more than 1048576 characters/,
    );
    const appending = '{% for i in (1..40) %}{% assign x = x | append: x %}{% endfor %}';
    assert.throws(() => render(`{% assign x = "long" %}${appending}`), /memory alloc limit exceeded/);
    assert.throws(() => render('{{ now | date: "%999999999Y" }}'), /memory alloc limit exceeded/);
  });

  it('is refused for ranges of numbers to which one cannot be added', () => {
    const message = /has a range with an end beyond 1000000000, line:1/;
    assert.throws(() => render('{% for i in (9007199254740992..9007199254740994) %}{% endfor %}'), message);
    assert.throws(() => render('{{ (a..a) | size }}', { a: 2 ** 53 }), message);
    assert.throws(() => render(`{{ 'a' | where_exp: "x", "(a..a)" }}`, { a: '-1e300' }), message);
  });
});

describe('a template that is innocent', () => {
  it('is rendered however much time passes meanwhile', (t) => {
    let now = 0;
    t.mock.method(performance, 'now', () => (now += 60_000));
    assert.equal(render('{% for i in (1..3) %}{{ i }}{% endfor %}{{ "x" | upcase }}'), '123X');
  });

  it('has ranges', () => {
    assert.equal(
      render('{{ (1..4) | join: "," }} {{ (3..1) | size }} {{ (a..b) | last }}', { a: -1, b: 2 }),
      '1,2,3,4 0 2',
    );
    assert.equal(render('{% for i in (1..3) reversed %}{{ i }}{% endfor %}{{ (2..5).size }}'), '3214');
    assert.equal(render('{% for i in (1..nothing) %}x{% else %}none{% endfor %}'), 'none');
  });

  it('writes any event as JSON', () => {
    const deep = JSON.parse('['.repeat(500) + ']'.repeat(500)) as unknown;
    for (const data of ['x'.repeat(1_000_000), Array.from({ length: 500_000 }, () => 1), MEMBERS, deep]) {
      assert.equal(render('{{ data | json }}', { data }), JSON.stringify(data));
    }
  });

  it('writes what is missing as null where JSON is asked for', () => {
    for (const filter of ['json', 'jsonify', 'inspect', 'json: 2']) {
      assert.equal(render(`{"a": {{ data.nothing | ${filter} }}}`, { data: {} }), '{"a": null}', filter);
    }
    assert.equal(
      render('{{ data.no | json }} {{ data.yes | json }}', { data: { no: false, yes: '' } }),
      'false ""',
    );
    assert.equal(render('{{ data.nothing }}', { data: {} }), '');
  });

  it('compares a long list once, and short ones often', () => {
    assert.equal(render('{% if a contains 49999 %}yes{% endif %}', { a: ITEMS.map(({ n }) => n) }), 'yes');
    const source =
      '{% for o in items limit: 1000 %}{% if o.items contains 999 %}{{ o.n }}{% endif %}{% endfor %}';
    assert.equal(render(source, { items: ITEMS }), '999');
  });

  it('goes through a thousand items', () => {
    const source = '{% for o in items limit: 1000 %}{{ o.n }}: {{ o.items | first | plus: 1 }}; {% endfor %}';
    assert.match(render(source, { items: ITEMS }), /^0: 1; 1: 2; .*999: 1000; $/);
  });

  it('gathers text', () => {
    const source =
      '{% assign x = "" %}{% for i in (1..1000) %}{% assign x = x | append: "0123456789" %}{% endfor %}';
    assert.equal(render(`${source}{{ x | size }}`), '10000');
  });

  it('has tables, cases, cycles and filters with names', () => {
    assert.equal(
      render('{% tablerow i in (1..2) cols: 1 %}{{ i }}{% endtablerow %}'),
      '<tr class="row1"><td class="col1">1</td></tr><tr class="row2"><td class="col1">2</td></tr>',
    );
    assert.equal(render('{% case x %}{% when 1, 2 %}a{% when 3 %}b{% else %}c{% endcase %}', { x: 3 }), 'b');
    assert.equal(render('{% for i in (1..3) %}{% cycle "g": "a", "b" %}{% endfor %}'), 'aba');
    assert.equal(render('{{ no | default: "yes", allow_false: true }}', { no: false }), 'false');
    assert.equal(
      render('{{ a | sort_natural | join }} {{ a | where_exp: "x", "x contains \'b\'" }}', { a: ['b', 'A'] }),
      'A b b',
    );
  });
});

describe('what is no business of a template', () => {
  it('is what others are given', () => {
    const given = { n: 5, data: { items: [3, 1, 2] } };
    const source =
      '{% increment n %}{% decrement data %}{% assign data = 1 %}{{ data.items | sort | reverse | push: 4 | join }}';
    render(source, given);
    assert.deepEqual(given, { n: 5, data: { items: [3, 1, 2] } });
  });

  it('is a file, of any name', () => {
    for (const tag of ['include', 'render', 'layout', 'block']) {
      assert.throws(() => render(`{% ${tag} "constructor" %}`), new RegExp(`tag "${tag}" not found, line:1`));
    }
  });

  it('is the clock: now is the time that it is given', () => {
    assert.equal(
      render('{{ "now" | date: "%s" }} {{ "today" | date_to_xmlschema }}'),
      '1767323045 2026-01-02T03:04:05+00:00',
    );
  });

  it('is where the machine stands: dates are in UTC and English unless a zone is given', (t) => {
    const zone = process.env.TZ;
    t.after(() => {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    });
    process.env.TZ = 'Asia/Tokyo';
    assert.equal(render('{{ now | date: "%H:%M %z %A" }}'), '03:04 +0000 Friday');
    assert.equal(render('{{ now | date: "%H:%M", "America/New_York" }}'), '22:04');
    assert.equal(render('{{ now | date: "%H:%M", -120 }}'), '05:04');
  });
});

/** Something done so often that it must be paid for each time. */
function loopOf(done: string): string {
  return `{% for i in (1..8000) %}${done}{% endfor %}`;
}
