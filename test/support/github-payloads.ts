import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { SentPayload } from './payload-world.ts';

interface Definition {
  readonly name: string;
  readonly examples: readonly { readonly action?: unknown }[];
}

const require = createRequire(import.meta.url);

/** Those of github.com, and of the versions of GitHub Enterprise Server. */
const EDITIONS = ['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35'];

/**
 * What GitHub sends: all payloads in `@octokit/webhooks-examples` that differ in their bytes, as JSON without
 * white space, with types such as `github.issues.opened`; and, as the largest, the schema of all of them in
 * `@octokit/webhooks-schemas`, 600 KB as its file has it. In turn as text and as bytes.
 */
export function githubPayloads(): SentPayload[] {
  const types = new Map<string, string>();
  for (const edition of EDITIONS) {
    const definitions = require(`@octokit/webhooks-examples/${edition}/index.json`) as readonly Definition[];
    for (const { name, examples } of definitions) {
      for (const example of examples) {
        const action = typeof example.action === 'string' ? `.${example.action}` : '';
        types.set(JSON.stringify(example), `github.${name}${action}`);
      }
    }
  }
  const schema = require.resolve('@octokit/webhooks-schemas/schema.json');
  types.set(readFileSync(schema, 'utf8'), 'github.schema');
  return [...types].map(([text, type], i) => {
    const raw = Buffer.from(text);
    return {
      name: `${type} (${i})`,
      type,
      contentType: 'application/json',
      data: i % 2 === 0 ? { case: 'text', value: text } : { case: 'bytes', value: new Uint8Array(raw) },
      raw,
      enveloped: text,
    };
  });
}
