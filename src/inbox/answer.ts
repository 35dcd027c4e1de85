import { DomainError, type FieldViolation } from '../domain/error.ts';

/** The longest that an answer may be held back. */
const DELAY_MS_MAX = 60_000;
/** The longest wait that Retry-After may ask for: a day. */
const RETRY_AFTER_MAX = 86_400;
/** How many requests can be failed in advance. */
const FAIL_NEXT_MAX = 1_000;

/** How an inbox answers, as its owner set it. */
export interface Answer {
  /** Once `failNext` is used up; 200 to 599. */
  readonly status: number;
  /** How long every answer is held back, 0 to `DELAY_MS_MAX`. */
  readonly delayMs: number;
  /** In seconds, sent with every answer that is not 2xx; null for none. */
  readonly retryAfter: number | null;
  /** How many of the next requests are answered with `failStatus` first, 0 to `FAIL_NEXT_MAX`. */
  readonly failNext: number;
  /** 200 to 599. */
  readonly failStatus: number;
}

export const DEFAULT_ANSWER: Answer = {
  status: 200,
  delayMs: 0,
  retryAfter: null,
  failNext: 0,
  failStatus: 503,
};

/** What one request is answered with. */
export interface GivenAnswer {
  readonly status: number;
  readonly delayMs: number;
  readonly retryAfter: number | null;
}

/** The answer to the next request, and how the inbox answers after it. */
export function takeAnswer(answer: Answer): { given: GivenAnswer; after: Answer } {
  const failing = answer.failNext > 0;
  const status = failing ? answer.failStatus : answer.status;
  const success = status < 300;
  return {
    given: { status, delayMs: answer.delayMs, retryAfter: success ? null : answer.retryAfter },
    after: failing ? { ...answer, failNext: answer.failNext - 1 } : answer,
  };
}

/** The whole numbers that a field may hold. */
const RANGES: Readonly<Record<keyof Answer, readonly [min: number, max: number]>> = {
  status: [200, 599],
  delayMs: [0, DELAY_MS_MAX],
  retryAfter: [0, RETRY_AFTER_MAX],
  failNext: [0, FAIL_NEXT_MAX],
  failStatus: [200, 599],
};

/**
 * Reads an answer from JSON. A field that is left out has its default, so that `{}` is the answer of
 * a new inbox. Throws an INVALID `DomainError` that names every wrong field.
 */
export function parseAnswer(json: string): Answer {
  const value = parseObject(json);
  const violations: FieldViolation[] = [];
  for (const [field, given] of Object.entries(value)) {
    if (!isField(field)) {
      const known = Object.keys(RANGES).join(', ');
      violations.push({ field, description: `is not a field; there are ${known}` });
      continue;
    }
    const [min, max] = RANGES[field];
    const whole = typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max;
    if (whole || (field === 'retryAfter' && given === null)) continue;
    const orNull = field === 'retryAfter' ? ', or null' : '';
    violations.push({ field, description: `must be a whole number from ${min} to ${max}${orNull}` });
  }
  if (violations.length > 0) {
    const sentence = violations.map(({ field, description }) => `${field} ${description}`).join('; ');
    throw new DomainError('INVALID_FIELD', sentence, { violations });
  }
  return { ...DEFAULT_ANSWER, ...value };
}

function parseObject(json: string): Partial<Answer> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const example = JSON.stringify({ status: 503, delayMs: 0, retryAfter: 5, failNext: 0 });
    throw new DomainError('MALFORMED_JSON', `The answer must be a JSON object, for example ${example}.`);
  }
  return value;
}

function isField(field: string): field is keyof Answer {
  return Object.hasOwn(RANGES, field);
}
