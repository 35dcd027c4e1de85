import { Liquid, type Template } from 'liquidjs';

/** The longest source of a template, in UTF-16 units. */
export const TEMPLATE_LENGTH_MAX = 64 * 1024;

/** Compiled templates kept; the longest unused is dropped. */
const TEMPLATES_MAX = 256;
/** What a rendering may cost: liquidjs' count of memory, and milliseconds, since it blocks everyone else. */
const LIMITS = {
  parseLimit: TEMPLATE_LENGTH_MAX,
  memoryLimit: 10 * 1024 * 1024,
  renderLimit: 20,
} as const;

const liquid = new Liquid({
  ...LIMITS,
  strictFilters: true,
  ownPropertyOnly: true,
  // In place of the file system, which a template must not reach.
  templates: {},
  jsTruthy: false,
});
/** By source. */
const compiled = new Map<string, Template[]>();

/** What a Liquid template makes of what it is given. Raises liquidjs' error, which names line and column. */
export function renderLiquid(source: string, given: object): string {
  const template = compile(source);
  try {
    return liquid.renderSync(template, given) as string;
  } catch (error) {
    // The limit is of time that passed, and the process may have stood still. An event must not be lost to that.
    if (!/template render limit exceeded/.test((error as Error).message)) throw error;
    return liquid.renderSync(template, given) as string;
  }
}

function compile(source: string): Template[] {
  const known = compiled.get(source);
  const template = known ?? liquid.parse(source);
  // A Map keeps its order of insertion: taken out and put in again, the oldest is the longest unused.
  if (known !== undefined) compiled.delete(source);
  else if (compiled.size >= TEMPLATES_MAX) compiled.delete(compiled.keys().next().value!);
  compiled.set(source, template);
  return template;
}
