import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A payload that GitHub sends, as its bytes on the wire: JSON without white space. */
export interface GithubPayload {
  /** `github.push`, or `github.issues.opened` where it has an action. */
  readonly type: string;
  readonly text: string;
}

interface Definition {
  readonly name: string;
  readonly examples: readonly { readonly action?: unknown }[];
}

const require = createRequire(import.meta.url);

/** Those of github.com, and of the versions of GitHub Enterprise Server. */
const EDITIONS = ['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35'];

/** All payloads in `@octokit/webhooks-examples` that differ in their bytes. */
export function githubPayloads(): GithubPayload[] {
  const payloads = new Map<string, GithubPayload>();
  for (const edition of EDITIONS) {
    const definitions = require(`@octokit/webhooks-examples/${edition}/index.json`) as readonly Definition[];
    for (const { name, examples } of definitions) {
      for (const example of examples) {
        const text = JSON.stringify(example);
        const action = typeof example.action === 'string' ? `.${example.action}` : '';
        payloads.set(text, { type: `github.${name}${action}`, text });
      }
    }
  }
  return [...payloads.values()];
}

/** The schema of all of them in `@octokit/webhooks-schemas`, as the file has it: 600 KB of indented JSON. */
export function githubSchema(): GithubPayload {
  const path = require.resolve('@octokit/webhooks-schemas/schema.json');
  return { type: 'github.schema', text: readFileSync(path, 'utf8') };
}
