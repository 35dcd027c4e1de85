import { type CelFunc, CelScalar } from '@bufbuild/cel';
import { APPEND, filterEnv, MAP, RANGE, TICK } from './env.ts';
import { compileRegex } from './regex.ts';
import { type Expr, FilterMistake, type ReadFilter, readFilter } from './syntax.ts';

/**
 * A filter as a tree: read, checked, and made ready to be evaluated with a meter. What can be known to go
 * wrong whatever the event is refused here, with its place.
 */
export interface FilterTree {
  readonly root: Expr;
  /** Steps that its nodes take once. */
  readonly steps: number;
  /** Whether it looks at more of an event than its attributes. */
  readonly readsData: boolean;
}

/** The attributes of `event`: all of them text but `time`, `extensions`, a map of texts, and `data`. */
const EVENT_FIELDS = [
  'id',
  'type',
  'source',
  'subject',
  'time',
  'extensions',
  'data',
  'content_type',
] as const;

/** The most nodes of its tree, with those that macros expand to. */
export const NODES_MAX = 1_000;
/** How deep its tree is at most: it is planned and evaluated by recursion. */
const DEPTH_MAX = 100;
/** How deep loops are nested at most: `orders.exists(o, o.items.all(i, …))` is two. */
export const LOOPS_NESTED_MAX = 2;

/** Reads a filter. Raises `FilterMistake`. */
export function filterTree(text: string): FilterTree {
  const tree = expressionTree(text, []);
  if (!canBeBool(tree.root)) throw new FilterMistake('never results in true or false');
  return tree;
}

/** Reads an expression of any type, over these variables and `event`. Raises `FilterMistake`. */
export function expressionTree(text: string, names: readonly string[]): FilterTree {
  const read = readFilter(text);
  const { ready, nodes, readsData } = createChecker(read);
  const root = ready(read.expr, { depth: 1, loops: 0, names });
  return { root, steps: nodes(), readsData: readsData() };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type Loop = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

/** Where in the tree a node is, and what is known there. */
interface Scope {
  readonly depth: number;
  readonly loops: number;
  /** Variables beside `event`: those of the loops around it. */
  readonly names: readonly string[];
}

/** What is called without being a function: these decide themselves which operands are evaluated. */
const OPERATORS = new Set(['_&&_', '_||_', '_?_:_', '_[_]', '@not_strictly_false']);
const TYPE_NAMES = new Set('int uint double bool string bytes list map null_type type'.split(' '));
/** Types that are named like messages. */
const MESSAGE_TYPES = new Set(['google.protobuf.Timestamp', 'google.protobuf.Duration']);
/** The variable in which macros gather their result. */
const GATHERED = '@result';
const SIGNATURES: ReadonlyMap<string, readonly CelFunc[]> = Map.groupBy(filterEnv.funcs, ({ name }) => name);

function createChecker({ placeOf, quoted }: Pick<ReadFilter, 'placeOf' | 'quoted'>) {
  let nodes = 0;
  let readsData = false;

  function refuse(expr: Expr, what: string, advice?: string): never {
    throw new FilterMistake(what + placeOf(expr) + (advice === undefined ? '' : `: ${advice}`));
  }

  /** The same tree with loops that are metered. */
  function ready(expr: Expr, scope: Scope): Expr {
    nodes++;
    if (nodes > NODES_MAX) throw new FilterMistake(`is too long: it may have ${NODES_MAX} terms`);
    if (scope.depth > DEPTH_MAX) refuse(expr, 'is nested too deeply');
    const inner = { ...scope, depth: scope.depth + 1 };
    const { exprKind: kind } = expr;
    switch (kind.case) {
      case 'constExpr':
        return expr;
      case 'identExpr':
        checkName(expr, kind.value.name, scope);
        return expr;
      case 'selectExpr': {
        if (isMessageType(expr, scope)) return expr;
        const { operand, field: name } = kind.value;
        const field = quoted.get(name) ?? name;
        const ofEvent = isEvent(operand!, scope);
        if (ofEvent) checkField(expr, field);
        const value = { ...kind.value, field, operand: ofEvent ? operand! : ready(operand!, inner) };
        return { ...expr, exprKind: { case: kind.case, value } };
      }
      case 'callExpr':
        return { ...expr, exprKind: { case: kind.case, value: readyCall(expr, kind.value, inner) } };
      case 'listExpr': {
        const elements = kind.value.elements.map((element) => ready(element, inner));
        return { ...expr, exprKind: { case: kind.case, value: { ...kind.value, elements } } };
      }
      case 'structExpr': {
        if (kind.value.messageName !== '')
          refuse(expr, `makes a ${kind.value.messageName}`, 'only values, lists and maps can be made');
        const entries = kind.value.entries.map((entry) => {
          const value = ready(entry.value!, inner);
          if (entry.keyKind.case !== 'mapKey') return refuse(expr, 'is no map');
          return {
            ...entry,
            value,
            keyKind: { case: 'mapKey' as const, value: ready(entry.keyKind.value, inner) },
          };
        });
        const value = { ...kind.value, entries };
        return call(expr, MAP, [{ ...expr, exprKind: { case: kind.case, value } }]);
      }
      case 'comprehensionExpr':
        return { ...expr, exprKind: { case: kind.case, value: readyLoop(expr, kind.value, inner) } };
      default:
        return refuse(expr, 'has something that a filter cannot');
    }
  }

  function checkName(expr: Expr, name: string, scope: Scope): void {
    if (scope.names.includes(name) || TYPE_NAMES.has(name)) return;
    if (name !== 'event')
      refuse(expr, `names ${name}`, 'the event is event, and what was published event.data');
    readsData = true;
  }

  function checkField(expr: Expr, field: string): void {
    if (!(EVENT_FIELDS as readonly string[]).includes(field)) {
      refuse(
        expr,
        `reads event.${field}`,
        `an event has ${EVENT_FIELDS.join(', ')}; what was published is in data`,
      );
    }
    if (field === 'data') readsData = true;
  }

  function readyCall(expr: Expr, call: Call, scope: Scope): Call {
    checkFunction(expr, call);
    const args = call.args.map((arg) => ready(arg, scope));
    const [first, second] = call.args;
    const gathers =
      call.function === '_+_' && nameOf(first) === GATHERED && second?.exprKind.case === 'listExpr';
    return {
      ...call,
      args,
      ...(gathers && { function: APPEND }),
      ...(call.target !== undefined && { target: ready(call.target, scope) }),
    };
  }

  function checkFunction(expr: Expr, call: Call): void {
    const { function: name, target, args } = call;
    if (OPERATORS.has(name)) return;
    const signatures = SIGNATURES.get(name);
    if (signatures === undefined) refuse(expr, `calls ${name}`, 'there is no such function');
    const fits = signatures.some(
      (signature) =>
        (signature.target === undefined) === (target === undefined) &&
        signature.arguments.length === args.length,
    );
    if (!fits) refuse(expr, `calls ${name}`, 'it does not take this many operands, or is not called so');
    if (name === 'matches') checkRegex(expr, args.at(-1)!);
  }

  /** Written out it can be checked once and for all, and its cost is known. */
  function checkRegex(expr: Expr, pattern: Expr): void {
    const constant = pattern.exprKind.case === 'constExpr' ? pattern.exprKind.value.constantKind : undefined;
    if (constant?.case !== 'stringValue')
      refuse(expr, 'calls matches', 'its regular expression must be written out as text');
    try {
      compileRegex(constant.value);
    } catch (error) {
      refuse(pattern, 'has a regular expression that cannot be used', (error as Error).message);
    }
  }

  /** Every turn of a loop takes as many steps as it has nodes, and the list it goes through one for each element. */
  function readyLoop(expr: Expr, loop: Loop, scope: Scope): Loop {
    const loops = scope.loops + 1;
    if (loops > LOOPS_NESTED_MAX) refuse(expr, `has loops within loops, more than ${LOOPS_NESTED_MAX} deep,`);
    const iterRange = ready(loop.iterRange!, scope);
    const accuInit = ready(loop.accuInit!, scope);
    const before = nodes;
    const inner = { ...scope, loops, names: [...scope.names, loop.iterVar, loop.accuVar] };
    const loopCondition = ready(loop.loopCondition!, inner);
    const loopStep = ready(loop.loopStep!, inner);
    const turn = nodes - before;
    return {
      ...loop,
      iterRange: call(expr, RANGE, [iterRange]),
      accuInit,
      loopCondition: call(expr, TICK, [loopCondition, int(expr, turn)]),
      loopStep,
      result: ready(loop.result!, inner),
    };
  }

  return { ready, nodes: () => nodes, readsData: () => readsData };
}

function call(at: Expr, name: string, args: Expr[]): Expr {
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'callExpr', value } };
}

function int(at: Expr, number: number): Expr {
  const constantKind = { case: 'int64Value' as const, value: BigInt(number) };
  const value = { $typeName: 'cel.expr.Constant' as const, constantKind };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'constExpr', value } };
}

function nameOf(expr: Expr | undefined): string | undefined {
  return expr?.exprKind.case === 'identExpr' ? expr.exprKind.value.name : undefined;
}

function isEvent(expr: Expr, scope: Scope): boolean {
  return nameOf(expr) === 'event' && !scope.names.includes('event');
}

function isMessageType(expr: Expr, { names }: Scope): boolean {
  const path: string[] = [];
  let at = expr;
  while (at.exprKind.case === 'selectExpr' && !at.exprKind.value.testOnly) {
    path.unshift(at.exprKind.value.field);
    at = at.exprKind.value.operand!;
  }
  const root = nameOf(at);
  return root !== undefined && !names.includes(root) && MESSAGE_TYPES.has([root, ...path].join('.'));
}

/** Whether the result can be true or false, as far as that can be seen without an event. */
function canBeBool({ exprKind: kind }: Expr): boolean {
  switch (kind.case) {
    case 'constExpr':
      return kind.value.constantKind.case === 'boolValue';
    case 'selectExpr':
      return kind.value.testOnly || nameOf(kind.value.operand) !== 'event' || kind.value.field === 'data';
    case 'callExpr': {
      const { function: name, args } = kind.value;
      if (name === '_?_:_') return args.slice(1).some(canBeBool);
      if (OPERATORS.has(name)) return true;
      const results = SIGNATURES.get(name)?.map(({ result }) => result) ?? [];
      return results.includes(CelScalar.BOOL) || results.includes(CelScalar.DYN);
    }
    case 'comprehensionExpr':
      // Those of `map` and `filter` begin with a list.
      return kind.value.accuInit?.exprKind.case !== 'listExpr';
    default:
      return false;
  }
}
