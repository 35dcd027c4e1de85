import { type FieldViolation, invalid } from '../error.ts';
import { commonHeadFault, headerValueFault, headerViolations } from '../event/header-rules.ts';
import { longest } from '../webhook/compatibility.ts';
import { headerTemplatesOf } from './header-templates.ts';
import { readsWebhookOnly, renderLiquid } from './liquid.ts';
import { TEMPLATE_LENGTH_MAX } from './liquid-engine.ts';
import { metered } from './liquid-meter.ts';
import { type RunContext, runScope, sampleScope } from './scope.ts';
import { HEADER_REMEDY, jsonFault, renderOwnHeaders } from './template.ts';

/**
 * Checks that a template can be parsed and rendered, for a run and for an event without data, and makes JSON
 * if it is to and makes the same of every event. Raises INVALID about `field`, with the place of the mistake.
 */
export function checkTemplate(source: string, field: string, contentType: string, sample: RunContext): void {
  if (source.length > TEMPLATE_LENGTH_MAX) throw invalid(field, tooLong(source));
  const fault = faultOf(() => {
    const [asRun] = samplesOf(sample).map((given) => metered(() => renderLiquid(source, given)));
    // What it makes of an event without data says nothing about the others.
    return readsWebhookOnly(source) ? jsonFault(asRun!, contentType) : undefined;
  });
  if (fault !== undefined) throw invalid(field, fault);
}

/**
 * The rules that the names and templates of extra headers break; `field` is their path, as
 * `webhook.payload.header_templates`. A value that is wrong whatever the event holds is found here.
 */
export function headerTemplateViolations(
  templates: Readonly<Record<string, string>>,
  field: string,
  sample: RunContext,
): FieldViolation[] {
  const names = Object.fromEntries(Object.keys(templates).map((name) => [name, '']));
  const violations = headerViolations(names, field);
  for (const given of samplesOf(sample)) {
    metered(() => {
      for (const [name, source] of Object.entries(templates)) {
        const at = `${field}[${JSON.stringify(name)}]`;
        if (violations.some((violation) => violation.field === at)) continue;
        const description = headerTemplateFault(source, given);
        if (description !== undefined) violations.push({ field: at, description });
      }
    });
  }
  return violations;
}

/**
 * What is wrong with the headers of a webhook together, those of its templates with it; undefined when nothing
 * is. What an event adds is judged with each request.
 */
export function headersTogetherFault({ webhook }: RunContext): string | undefined {
  const { destination, headers, payload, compatibility } = webhook.effective;
  const unknown = headerTemplatesOf(payload).ofEvent.map(([name]) => [name, ''] as const);
  let own: Readonly<Record<string, string>>;
  try {
    own = renderOwnHeaders(webhook);
  } catch {
    // Each template is judged by itself, where it is touched.
    return undefined;
  }
  const signed = compatibility && { [compatibility.header.toLowerCase()]: longest(compatibility) };
  const all = { ...headers, ...Object.fromEntries(unknown), ...own, ...signed };
  return commonHeadFault(destination, payload?.contentType ?? 'application/json', all);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What a template is tried with. Each is a rendering of its own, with all the steps of one. */
function samplesOf(sample: RunContext): readonly Sample[] {
  return [runScope(sample), sampleScope(sample)];
}

interface Sample {
  readonly event: object | null;
}

function headerTemplateFault(source: string, given: Sample): string | undefined {
  if (source.length > TEMPLATE_LENGTH_MAX) return tooLong(source);
  return faultOf(() => {
    const value = renderLiquid(source, given).trim();
    // What it makes of an event depends on what that holds.
    return given.event === null ? headerValueFault(value, HEADER_REMEDY) : undefined;
  });
}

function faultOf(judge: () => string | undefined): string | undefined {
  try {
    return judge();
  } catch (error) {
    return `is not a template that can be rendered: ${(error as Error).message}`;
  }
}

function tooLong(source: string): string {
  return `has ${source.length} characters: give at most ${TEMPLATE_LENGTH_MAX}`;
}
