import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createIdsOf } from '../../../../src/cli/client/crontab/ids.ts';
import { callerIdFault } from '../../../../src/domain/webhook/webhook.ts';

it('ids are made of host and path, each once, and are such as a caller can give', () => {
  const idOf = createIdsOf();
  const long = `https://example.com/${'a-long-path/'.repeat(9)}`;
  const made = [
    'https://www.example.com/hooks/Nightly.php?token=1',
    'https://example.com/hooks/nightly-php',
    'https://example.com/hooks/nightly-php-2',
    'http://[::1]:80/',
    'https://müller.example/ä',
    `${long}1`,
    `${long}2`,
  ].map(idOf);
  assert.deepEqual(made.slice(0, 5), [
    'example-com-hooks-nightly-php',
    'example-com-hooks-nightly-php-2',
    'example-com-hooks-nightly-php-2-2',
    '1',
    'xn-mller-kva-example-c3-a4',
  ]);
  for (const id of made) assert.equal(callerIdFault(id), undefined, id);
  assert.equal(new Set(made).size, made.length);
  assert.equal(createIdsOf()(`${long}2`), made.at(-1));
});
