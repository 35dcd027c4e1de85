import { fromJson } from '@bufbuild/protobuf';
import { type Webhook, WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { OUTPUT_ONLY } from '../webhook/output-only.ts';
import { type Item, itemsOf } from './documents.ts';
import { messageJson, type Reading } from './fields.ts';
import type { Source } from './files.ts';
import { OWNER_LABEL } from './owner.ts';
import { lineText, type Path, type Problem, type SourceLine } from './source-line.ts';

/** A webhook as somebody has declared it. */
export interface Declared {
  readonly webhook: Webhook;
  /** Where it is declared, or the part of it at a path. */
  lineOf(path: Path): SourceLine;
  /** The texts that variables were put into, as they were written. */
  readonly written: readonly { readonly path: Path; readonly text: string }[];
}

/** All that files declare. */
export interface Declarations {
  readonly declared: readonly Declared[];
  readonly problems: readonly Problem[];
  /** The values of variables that were used, which nobody is shown. */
  readonly used: ReadonlyMap<string, string>;
}

/** What `--namespace` and the environment say about all of them. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly namespace: string;
}

/** Reads the webhooks of files, and notes everything that is wrong with any of them. */
export function readDeclarations(sources: readonly Source[], surroundings: Surroundings): Declarations {
  const used = new Map<string, string>();
  const problems: Problem[] = [];
  const declared: Declared[] = [];
  for (const { file, text } of sources) {
    const read = itemsOf(file, text);
    problems.push(...read.problems);
    for (const item of read.items) {
      const one = declaredOf(item, surroundings, problems, used);
      if (one !== undefined) declared.push(one);
    }
  }
  problems.push(...repetitions(declared));
  return { declared, problems, used };
}

function declaredOf(
  item: Item,
  { env, namespace }: Surroundings,
  problems: Problem[],
  used: Map<string, string>,
): Declared | undefined {
  const before = problems.length;
  const written: { path: Path; text: string }[] = [];
  const reading: Reading = {
    env,
    problem: (path, message) => problems.push({ at: item.lineOf(path), message }),
    substituted(path, text, variables) {
      written.push({ path, text });
      for (const [name, value] of variables) used.set(name, value);
    },
  };
  const json = messageJson(WebhookSchema, item.value, reading, [], OUTPUT_ONLY);
  if (problems.length > before) return undefined;
  let webhook: Webhook;
  try {
    webhook = fromJson(WebhookSchema, json);
  } catch (error) {
    reading.problem([], (error as Error).message);
    return undefined;
  }
  webhook.namespace ||= namespace;
  if (webhook.id === '') {
    reading.problem([], 'it has no id, by which it is found again; give it one such as id: nightly-report');
  }
  if (webhook.signing !== undefined && webhook.signing.secret === '') {
    reading.problem(
      ['signing', 'secret'],
      'signing.secret is empty; leave out signing for a secret that the server makes',
    );
  }
  if (webhook.labels[OWNER_LABEL] !== undefined) {
    reading.problem(
      ['labels', OWNER_LABEL],
      `the label ${OWNER_LABEL} is set by --owner; leave it out of files`,
    );
  }
  return problems.length > before ? undefined : { webhook, lineOf: item.lineOf, written };
}

/** Webhooks that are declared twice: by their id, or by their name and destination. */
function repetitions(declared: readonly Declared[]): Problem[] {
  const problems: Problem[] = [];
  const first = new Map<string, Declared>();
  for (const one of declared) {
    const { id, namespace, name, destination } = one.webhook;
    const keys = [
      [JSON.stringify([namespace, id]), ['id'], `the id ${id} is`],
      [JSON.stringify([namespace, name, destination]), ['name'], 'this name with this destination is'],
    ] as const;
    for (const [key, path, what] of keys) {
      const other = first.get(key);
      if (other === undefined) {
        first.set(key, one);
      } else {
        const message = `${what} declared at ${lineText(other.lineOf(path))} already`;
        problems.push({ at: one.lineOf(path), message });
        break;
      }
    }
  }
  return problems;
}
