import {
  CaseTag,
  Context,
  CycleTag,
  defaultOperators,
  type Emitter,
  Expression,
  evalToken,
  evalTokenValue,
  ForTag,
  Liquid,
  type RangeToken,
  TablerowTag,
  Tokenizer,
  TokenKind,
  TypeGuards,
  toValue,
} from 'liquidjs';
import { headerText } from '../event/header-text.ts';
import {
  charge,
  chargeFor,
  chargeForEquality,
  chargeForLength,
  chargeForSearch,
  chargeForText,
} from './liquid-meter.ts';
import { priced } from './liquid-prices.ts';

/**
 * Liquid with a meter, and without what is no business of a template: files, the clock, and the time zone
 * and language of the machine. liquidjs bounds the time that passes, and looks at it between tags only:
 * one filter can go on for hours, and an innocent template fails where the machine stands still.
 */

/** The longest source of a template, in UTF-16 units. */
export const TEMPLATE_LENGTH_MAX = 64 * 1024;
/** The longest text that a template makes, or captures, in UTF-16 units. */
const RENDERED_LENGTH_MAX = 1024 * 1024;

/** What the filters of one template may allocate, as liquidjs counts: characters and elements. */
const MEMORY_MAX = 10 * 1024 * 1024;
/** The ends of a range: far from where adding one to a number leaves it as it is, and a range has no end. */
const RANGE_END_MAX = 1e9;
/** What a tag, an output or the text between them takes beside what is in it, and reading a property. */
const TAG_STEPS = 4;
const READ_STEPS = 2;
/** What evaluating an expression for each element of a list takes beside what is in it. */
const ELEMENT_STEPS = 4;
/** Scopes that are looked through for a variable in a step: there is one for each loop around it. */
const SCOPES_PER_STEP = 16;
/** Those that read files, which are nowhere, or are for layouts in files. */
const TAGS_LEFT_OUT = ['include', 'render', 'layout', 'block'];
/** Those that write JSON. */
const JSON_FILTERS = ['json', 'jsonify', 'inspect'];

export function createEngine(): Liquid {
  const liquid = new Liquid({
    parseLimit: TEMPLATE_LENGTH_MAX,
    memoryLimit: MEMORY_MAX,
    strictFilters: true,
    ownPropertyOnly: true,
    jsTruthy: false,
    timezoneOffset: 0,
    locale: 'en-US',
    operators: pricedOperators(),
  });
  for (const name of TAGS_LEFT_OUT) delete liquid.tags[name];
  liquid.registerTag('for', MeteredFor);
  liquid.registerTag('tablerow', MeteredTablerow);
  liquid.registerTag('case', MeteredCase);
  liquid.registerTag('cycle', MeteredCycle);
  for (const name of JSON_FILTERS) {
    const write = liquid.filters[name] as (this: unknown, value: unknown, ...args: unknown[]) => unknown;
    // What is missing would be written as nothing, which is no JSON.
    liquid.registerFilter(name, function (value: unknown, ...args: unknown[]) {
      return write.call(this, value ?? null, ...args);
    });
  }
  liquid.registerFilter('percent_encode', (value: unknown) => headerText(textOf(toValue(value))));
  for (const [name, filter] of Object.entries(liquid.filters)) {
    liquid.registerFilter(name, priced(name, filter));
  }
  const { renderer } = liquid;
  const renderTemplates = renderer.renderTemplates.bind(renderer);
  renderer.renderTemplates = (templates, context, emitter = createEmitter()) =>
    renderTemplates(templates, context, emitter);
  return liquid;
}

/** What a template is rendered with, to be done within `metered`. */
export function createContext(liquid: Liquid, given: object): Context {
  // A copy, since `increment` writes to what it is given.
  return new MeteredContext({ ...given }, liquid.options, { sync: true }, { liquid });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Everything that is looked up, and every tag, goes through here. */
class MeteredContext extends Context {
  #depth = 0;

  constructor(...given: ConstructorParameters<typeof Context>) {
    super(...given);
    this.renderLimit.check = () => charge(TAG_STEPS);
  }

  override readProperty(...[value, key]: Parameters<Context['readProperty']>): unknown {
    charge(READ_STEPS + this.#depth / SCOPES_PER_STEP);
    chargeFor(key);
    const read: unknown = super.readProperty(value, key);
    // The size of an object is that of a list of its names, which is made for it.
    if (key === 'size' && typeof read === 'number' && !Array.isArray(value)) chargeFor(value);
    return read;
  }

  override push(scope: object): number {
    charge(ELEMENT_STEPS);
    this.#depth++;
    return super.push(scope);
  }

  override pop() {
    this.#depth--;
    return super.pop();
  }

  override spawn(scope?: object): Context {
    charge(ELEMENT_STEPS);
    const { opts, sync, globals, strictVariables, ownPropertyOnly, renderLimit, memoryLimit, liquid } = this;
    const options = { sync, globals, strictVariables, ownPropertyOnly };
    return new MeteredContext(scope, opts, options, { renderLimit, memoryLimit, liquid });
  }
}

/** Gathers what is written, and no more than `RENDERED_LENGTH_MAX` of it. */
function createEmitter(): Emitter {
  return {
    buffer: '',
    write(written: unknown) {
      const value: unknown = toValue(written);
      charge(1);
      // Text is put behind text without going through it, and there is only so much.
      if (typeof value !== 'string') chargeForText(value);
      const text = textOf(value);
      if (this.buffer.length + text.length > RENDERED_LENGTH_MAX) {
        throw new Error(`makes more than ${RENDERED_LENGTH_MAX} characters`);
      }
      this.buffer += text;
    },
  };
}

/** As Liquid writes values. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.map((element) => textOf(toValue(element))).join('') : String(value);
}

/** Comparing goes as deep as its operands. */
function pricedOperators() {
  const operators = { ...defaultOperators };
  for (const name of ['==', '!=', '<', '<=', '>', '>=', 'contains']) {
    const operator = defaultOperators[name] as (...operands: unknown[]) => boolean;
    operators[name] = (left: unknown, right: unknown, context: Context) => {
      charge(1);
      chargeForText(left);
      chargeForText(right);
      if (name === 'contains') chargeForContaining(left, right);
      else chargeForEquality(left, right);
      return operator(left, right, context);
    };
  }
  return operators;
}

function chargeForContaining(whole: unknown, part: unknown): void {
  if (typeof whole === 'string') chargeForSearch(whole, String(part));
  if (Array.isArray(whole)) for (const element of whole) chargeForEquality(element, part);
}

/** A range that is paid for; liquidjs' own, of numbers so great that one more changes nothing, never ends. */
class RangeExpression extends Expression {
  readonly #range: Pick<RangeToken, 'lhs' | 'rhs'>;

  constructor({ lhs, rhs }: RangeToken) {
    super([]);
    this.#range = { lhs, rhs };
  }

  override *evaluate(context: Context) {
    const low = Number(yield* endOf(this.#range.lhs, context));
    const high = Number(yield* endOf(this.#range.rhs, context));
    if (high >= low) chargeForLength(high - low + 1);
    const numbers: number[] = [];
    for (let number = low; number <= high; number++) numbers.push(number);
    return numbers;
  }
}

function* endOf(token: RangeToken['lhs'], context: Context) {
  const value = yield* evalTokenValue(token, context);
  chargeFor(value);
  if (Math.abs(Number(value)) > RANGE_END_MAX) {
    throw new Error(`has a range with an end beyond ${RANGE_END_MAX}`);
  }
  return value;
}

const readGroupOrRange = Tokenizer.prototype.readGroupOrRange;
Tokenizer.prototype.readGroupOrRange = function (this: Tokenizer) {
  const token = readGroupOrRange.call(this);
  if (token?.kind !== TokenKind.Range) return token;
  const range = token as RangeToken;
  const initial = new RangeExpression(range);
  return Object.assign(range, { kind: TokenKind.FilteredValue, initial, filters: [] });
};

/** Ranges are paid for where they are made; making a list of anything else takes going through it. */
function* chargeForLoop(tag: ForTag | TablerowTag, hash: ForTag['hash'], context: Context) {
  if (tag.collection.kind !== TokenKind.FilteredValue) chargeFor(yield evalToken(tag.collection, context));
  for (const argument of Object.values(hash.hash)) {
    charge(1);
    chargeFor(yield evalToken(argument, context));
  }
}

class MeteredFor extends ForTag {
  override *render(context: Context, emitter: Emitter) {
    yield* chargeForLoop(this, this.hash, context);
    return yield* super.render(context, emitter);
  }
}

class MeteredTablerow extends TablerowTag {
  override *render(context: Context, emitter: Emitter) {
    yield* chargeForLoop(this, this.args, context);
    yield* super.render(context, emitter);
  }
}

class MeteredCase extends CaseTag {
  override *render(context: Context, emitter: Emitter) {
    const value: unknown = yield this.value.value(context);
    for (const branch of this.branches) {
      for (const _ of branch.values) {
        chargeFor(value);
        chargeForEquality(value, value);
      }
    }
    yield* super.render(context, emitter);
  }
}

class MeteredCycle extends CycleTag {
  override *render(context: Context, emitter: Emitter) {
    // Its state is found by the text of the tag itself and by the value of its group.
    chargeFor(this.token.getText());
    for (const argument of this.arguments()) {
      if (TypeGuards.isPropertyAccessToken(argument)) chargeFor(yield evalToken(argument, context));
    }
    return yield* super.render(context, emitter);
  }
}
