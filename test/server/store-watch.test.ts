import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import { createStoreWatch } from '../../src/server/store-watch.ts';
import { recordingLog } from '../support/log.ts';

function aWatch() {
  const { log, lines } = recordingLog();
  const said: string[] = [];
  let answer: () => string | undefined = () => undefined;
  const watch = createStoreWatch({
    store: { checkUp: async () => answer() },
    health: { serve: () => void said.push('SERVING'), pause: () => void said.push('NOT_SERVING') },
    log,
  });
  return {
    said,
    lines,
    async tick(next: () => string | undefined) {
      answer = next;
      await watch.tick();
    },
  };
}

describe('the watch on the store', () => {
  it('lets health say NOT_SERVING while the store says nothing, asks no second time, and SERVING once it answers', async () => {
    const { log, lines } = recordingLog();
    const said: string[] = [];
    let questions = 0;
    let answered = Promise.withResolvers<undefined>();
    const watch = createStoreWatch({
      store: {
        checkUp: () => {
          questions++;
          return answered.promise;
        },
      },
      health: { serve: () => void said.push('SERVING'), pause: () => void said.push('NOT_SERVING') },
      log,
      answerMs: 5,
    });
    await watch.tick();
    await watch.tick();
    assert.deepEqual([said, questions], [['NOT_SERVING'], 1]);
    assert.deepEqual(
      lines.map(({ fields }) => fields.reason),
      ['the database does not answer'],
    );
    const again = watch.tick();
    answered.resolve(undefined);
    await again;
    assert.deepEqual(said, ['NOT_SERVING', 'SERVING']);
    answered = Promise.withResolvers();
    await watch.tick();
    assert.deepEqual([said.at(-1), questions], ['NOT_SERVING', 2]);
  });

  it('lets health say NOT_SERVING while the disk is full, and SERVING again, each once', async () => {
    const { tick, said, lines } = aWatch();
    await tick(() => undefined);
    await tick(() => 'the disk is full');
    await tick(() => 'the disk is full');
    await tick(() => undefined);
    await tick(() => undefined);
    assert.deepEqual(said, ['SERVING', 'NOT_SERVING', 'SERVING']);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.reason]),
      [
        ['error', 'the disk is full'],
        ['info', undefined],
      ],
    );
  });

  it('never says SERVING of a server that starts on a full disk', async () => {
    const { tick, said } = aWatch();
    await tick(() => 'the disk is full');
    assert.deepEqual(said, ['NOT_SERVING']);
  });

  it('changes nothing while the store is only busy, whatever it said last', async () => {
    const { tick, said } = aWatch();
    const busy = () => {
      throw new DomainError('DATABASE_BUSY', 'too many calls');
    };
    await tick(() => undefined);
    await tick(busy);
    assert.deepEqual(said, ['SERVING']);
    await tick(() => 'the disk is full');
    await tick(busy);
    assert.deepEqual(said, ['SERVING', 'NOT_SERVING']);
  });
});
