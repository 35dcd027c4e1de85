import type { FieldViolation } from '../../domain/error.ts';
import { join, type Problems } from '../../domain/problems.ts';

/**
 * Notes which rules of the proto file a webhook at `field` breaks, except those of its event types: the
 * domain judges them too, and says more about each.
 */
export function noteRuleViolations(
  violations: readonly FieldViolation[],
  field: string,
  problems: Problems,
): void {
  const eventTypes = join(field, 'event_types');
  problems.addAll(violations.filter((violation) => !violation.field.startsWith(eventTypes)));
}
