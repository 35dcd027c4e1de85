import type { JsonValue } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { clip } from '../../../domain/text.ts';
import type { Style } from '../style.ts';
import { plain } from '../terminal-text.ts';
import type { Outcome } from './carry-out.ts';
import type { Declared } from './declared.ts';
import { type Difference, pathText, touches } from './differences.ts';
import type { Change, Plan } from './plan.ts';
import { asWritten, isSecret, replacesOne, shownSecret } from './secrets.ts';
import { lineText } from './source-line.ts';

/** How much of a value is shown; the files have all of it. */
const VALUE_LENGTH = 160;
/** How much is shown of what a long text and its change begin with in common. */
const COMMON_LENGTH = 20;

const SIGNS = { create: '+', change: '~', remove: '-' } as const;
const STYLES = { create: 'good', change: 'warn', remove: 'bad' } as const;

/** What a plan would do: a paragraph for each webhook, and the counts. Nothing where it would do nothing. */
export function planText({ changes, unchanged, leftOver }: Plan, style: Style): string {
  const ids = leftOver.map(({ id }) => id).join(', ');
  const left = ids === '' ? '' : `declared no more, and left (--prune removes them): ${plain(ids)}\n`;
  if (changes.length === 0) return left;
  const counts = (['create', 'change', 'remove'] as const).flatMap((action) => {
    const count = changes.filter((change) => change.action === action).length;
    return count === 0 ? [] : [`${count} to ${action}`];
  });
  const summary = `${[...counts, `${unchanged.length} unchanged`].join(', ')}\n`;
  return changes.map((change) => changeText(change, style)).join('') + left + summary;
}

function changeText(change: Change, style: Style): string {
  const emphasise = style[STYLES[change.action]];
  const head = (id: string, rest: string) =>
    `${emphasise(`${SIGNS[change.action]} ${plain(id)}`)}${style.quiet(rest)}\n`;
  if (change.action === 'remove') {
    const { id, name, destination } = change.webhook;
    return head(id, `  ${plain(name)}, ${plain(destination)}`);
  }
  const { declared, request } = change;
  const lines = change.differences
    // The id stands above, and a namespace that nobody named says nothing.
    .filter(({ path: [field] }) => field !== 'id' && (field !== 'namespace' || request.namespace !== ''))
    .map((difference) => `    ${plain(differenceText(difference, declared, change.action === 'create'))}\n`);
  const secret =
    change.action === 'create'
      ? request.signing && '    signing.secret: the one given\n'
      : change.replacesSecret && `    ${secretsOf(request)}: another than before (never shown)\n`;
  const at = `  ${plain(lineText(declared.lineOf([])))}`;
  return head(request.id || declared.webhook.id, at) + lines.join('') + (secret || '');
}

/** Which secrets were declared: which of several is another than before only the server could tell. */
function secretsOf({ signing, compatibilitySignature }: Webhook): string {
  const names = [
    ...(signing === undefined ? [] : ['signing.secret']),
    ...(compatibilitySignature?.secret ? ['compatibility_signature.secret'] : []),
  ];
  return names.join(' or ');
}

/** `timeout: 15s → 30s`. What came from the environment is shown as it was written, since it may be a secret. */
function differenceText(difference: Difference, declared: Declared, isNew: boolean): string {
  const { path, before, after } = difference;
  const field = pathText(path);
  const written = declared.written.filter((each) => touches(path, asWritten(path, each.path)));
  if (written.length > 0) {
    const shown = written.map(({ text }) => valueText(text)).join(', ');
    if (isNew) return `${field}: ${shown}`;
    return `${field}: ${before === undefined ? '(none)' : '(not shown)'} → ${shown}`;
  }
  if (isSecret(difference)) return secretText(field, difference, isNew);
  if (isNew) return `${field}: ${valueText(after)}`;
  const from = typeof before === 'string' && typeof after === 'string' ? commonStart(before, after) : 0;
  return `${field}: ${valueText(before, from)} → ${valueText(after, from)}`;
}

function secretText(field: string, difference: Difference, isNew: boolean): string {
  if (replacesOne(difference)) return `${field}: another than before (never shown)`;
  const { before, after } = difference;
  const [old, now] = [before, after].map((text) => valueText(shownSecret(text)));
  return isNew ? `${field}: ${now}` : `${field}: ${old} → ${now}`;
}

/** Where two long texts begin to differ, so that this is what is seen of them. */
function commonStart(before: string, after: string): number {
  if (Math.max(before.length, after.length) <= VALUE_LENGTH) return 0;
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  return Math.max(0, same - COMMON_LENGTH);
}

function valueText(value: JsonValue | undefined, from = 0): string {
  if (value === undefined) return '(none)';
  if (typeof value !== 'string') return clip(JSON.stringify(value), VALUE_LENGTH);
  // Such as `15s` and `https://…`; the others are told from words around them by quotes.
  if (from === 0 && /^[\w:./@*+$%?&=-]+$/.test(value)) return clip(value, VALUE_LENGTH);
  return (from > 0 ? '…' : '') + JSON.stringify(clip(value.slice(from).toWellFormed(), VALUE_LENGTH));
}

const DONE = { create: 'created', change: 'changed', remove: 'removed' } as const;

/** What became of a change, in a line; with the secret of a webhook that is new if that may be shown. */
export function outcomeText({ change, id, secret, failure }: Outcome, showsSecret: boolean): string {
  if (failure !== undefined) {
    const name = Code[failure.code]?.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
    return `not ${DONE[change.action]}: ${plain(id)}: ${plain(failure.rawMessage)} (${name})\n`;
  }
  const isGiven = change.action !== 'remove' && change.request.signing !== undefined;
  const shown =
    secret === '' || isGiven || !showsSecret ? '' : `, with the secret ${secret} (shown this once)`;
  return `${DONE[change.action]} ${plain(id)}${shown}\n`;
}

/** A plan for programs, and what became of it as far as it was carried out. */
export function planJson(plan: Plan, outcomes: readonly Outcome[], showsSecrets: boolean) {
  return {
    changes: plan.changes.map((change) =>
      changeJson(
        change,
        outcomes.find((outcome) => outcome.change === change),
        showsSecrets,
      ),
    ),
    unchanged: plan.unchanged.map(({ id }) => id),
    leftOver: plan.leftOver.map(({ id }) => id),
  };
}

/** A change for programs, and what became of it. */
export function changeJson(change: Change, outcome: Outcome | undefined, showsSecret: boolean) {
  const { action } = change;
  const done = outcome && { done: outcome.failure === undefined, error: outcome.failure?.rawMessage };
  if (action === 'remove') {
    const { id, name, destination } = change.webhook;
    return { action, id, name, destination, ...done };
  }
  const { declared, request, replacesSecret } = change;
  const { file, line } = declared.lineOf([]);
  return {
    action,
    id: outcome?.id ?? (request.id || declared.webhook.id),
    file,
    line,
    differences: change.differences.map((difference) => {
      const { path } = difference;
      const written = declared.written.find((each) => touches(path, asWritten(path, each.path)));
      return written ? { field: pathText(difference.path), after: written.text } : withoutPath(difference);
    }),
    replacesSecret,
    ...done,
    ...(outcome?.secret && showsSecret && { secret: outcome.secret }),
  };
}

function withoutPath(difference: Difference) {
  const { path, before, after } = difference;
  const field = pathText(path);
  if (!isSecret(difference)) return { field, before, after };
  return {
    field,
    before: shownSecret(before),
    after: shownSecret(after),
    replacesSecret: replacesOne(difference),
  };
}
