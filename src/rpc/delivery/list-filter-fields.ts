import type { DeliveryQuery } from '../../control/control.ts';
import type { DeliveryState } from '../../domain/delivery/delivery.ts';
import { isEventType, typePatternOf } from '../../domain/event/match.ts';
import { isRealTime } from '../../domain/rfc3339.ts';
import { quote } from '../../domain/text.ts';
import { type Comparison, FilterMistake, type Operator } from './list-filter-text.ts';

/** What a query for deliveries can be narrowed by. */
export type DeliveryFilter = Pick<
  DeliveryQuery,
  'webhookId' | 'state' | 'eventId' | 'eventType' | 'since' | 'until' | 'lastStatus'
>;

/** What one comparison narrows to; undefined when nothing can satisfy it. Raises FilterMistake. */
export function readComparison(comparison: Comparison): DeliveryFilter | undefined {
  const { field, fieldAt } = comparison;
  const read = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof typeof FIELDS] : undefined;
  if (read === undefined) {
    const names = Object.keys(FIELDS).join(', ');
    throw new FilterMistake(fieldAt, `${quote(field)} is not a field to filter by; there are ${names}`);
  }
  return read(comparison);
}

type ReadField = (comparison: Comparison) => DeliveryFilter | undefined;

const FIELDS = {
  webhook_id: (comparison) => ({ webhookId: equalled(comparison) }),
  event_id: (comparison) => ({ eventId: equalled(comparison) }),
  event_type: readType,
  state: readState,
  create_time: readTime,
  last_response_status: readStatus,
} satisfies Record<string, ReadField>;

/** The value of a field that can only be equal or not. */
function equalled({ field, operator, operatorAt, value }: Comparison): string {
  if (operator !== '=') throw new FilterMistake(operatorAt, `${field} can only be compared with =`);
  return value;
}

function readType(comparison: Comparison): DeliveryFilter {
  const value = equalled(comparison);
  const eventType = typePatternOf(value);
  const bare = value.replace(/\.\*$/, '');
  if (value === '' || (eventType !== undefined && !isEventType(bare))) {
    throw new FilterMistake(
      comparison.valueAt,
      'event_type must be a type such as order.paid, or the beginning of types such as order.*, with * only at the end, after a dot',
    );
  }
  return eventType === undefined ? {} : { eventType };
}

const STATES: readonly DeliveryState[] = ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];

function readState(comparison: Comparison): DeliveryFilter {
  // In JSON it is STATE_FAILED, so that is known too.
  const value = equalled(comparison).replace(/^STATE_/, '');
  const state = STATES.find((known) => known === value);
  if (state === undefined) {
    throw new FilterMistake(comparison.valueAt, `state must be one of ${STATES.join(', ')}`);
  }
  return { state };
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Deliveries are created at whole milliseconds; a filter can be finer. */
function readTime({ operator, value, valueAt }: Comparison): DeliveryFilter | undefined {
  const [, date, time, fraction = '', zone] = RFC_3339.exec(value) ?? [];
  const second = Date.parse(`${date}T${time}${zone}`.toUpperCase());
  if (Number.isNaN(second) || !isRealTime(value)) {
    const example = '"2026-01-31T12:00:00Z"';
    throw new FilterMistake(valueAt, `create_time must be compared with an RFC 3339 time such as ${example}`);
  }
  const digits = fraction.padEnd(9, '0');
  const at = second + Number(digits.slice(0, 3));
  const whole = Number(digits.slice(3)) === 0;
  const ceiling = whole ? at : at + 1;
  switch (operator) {
    case '=':
      return whole ? { since: at, until: at + 1 } : undefined;
    case '>=':
      return { since: ceiling };
    case '>':
      return { since: at + 1 };
    case '<':
      return { until: ceiling };
    case '<=':
      return { until: at + 1 };
    default:
      return operator satisfies never;
  }
}

const STATUS_MIN = 100;
const STATUS_MAX = 999;

function readStatus({ operator, operatorAt, value, valueAt }: Comparison): DeliveryFilter | undefined {
  const [, family] = /^([1-9])xx$/i.exec(value) ?? [];
  if (family !== undefined) {
    if (operator !== '=') {
      throw new FilterMistake(operatorAt, 'a class such as 5xx can only be compared with =');
    }
    return { lastStatus: { from: Number(family) * 100, to: Number(family) * 100 + 99 } };
  }
  if (!/^[1-9]\d\d$/.test(value)) {
    throw new FilterMistake(
      valueAt,
      'last_response_status must be compared with a status code from 100 to 999, or with a class such as "5xx"',
    );
  }
  const lastStatus = range(operator, Number(value));
  return lastStatus.from > lastStatus.to ? undefined : { lastStatus };
}

function range(operator: Operator, status: number): { from: number; to: number } {
  switch (operator) {
    case '=':
      return { from: status, to: status };
    case '>=':
      return { from: status, to: STATUS_MAX };
    case '>':
      return { from: status + 1, to: STATUS_MAX };
    case '<':
      return { from: STATUS_MIN, to: status - 1 };
    case '<=':
      return { from: STATUS_MIN, to: status };
    default:
      return operator satisfies never;
  }
}
