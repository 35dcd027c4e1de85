import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as library from '../../src/library/carillon.ts';

const GEN = join(import.meta.dirname, '../../gen');

describe('the library', () => {
  it('exports every service and message of the API, and the details of errors', async () => {
    const files = readdirSync(join(GEN, 'carillon/v1')).map((name) => `carillon/v1/${name}`);
    assert.ok(files.length >= 4);
    // Names that two files had would be left out, without a word.
    for (const file of [...files, 'google/rpc/error_details_pb.ts']) {
      const generated: Record<string, unknown> = await import(join(GEN, file));
      for (const [name, value] of Object.entries(generated)) {
        // Descriptors are too large to be printed.
        assert.ok(Object(library)[name] === value, `${name} of ${file}`);
      }
    }
  });
});
