/** The side of a child process that answers the questions of `child.ts`. */
import type { Question, Reply } from './child.ts';

export type Answers = Readonly<Record<string, (about: never) => unknown>>;

/**
 * Answers from now on; ends the process when the bench is gone. A guest answers only as long as its
 * host runs.
 */
export function answering(answers: Answers, { guest } = { guest: false }): void {
  process.on('message', (question: Question) => void answer(question));
  process.on('disconnect', () => process.exit());
  if (guest) process.channel?.unref();

  async function answer({ id, name, about }: Question): Promise<void> {
    let reply: Reply;
    try {
      const known = answers[name];
      if (known === undefined) throw new Error(`"${name}" is not a question`);
      reply = { id, answer: await known(about as never) };
    } catch (error) {
      reply = { id, error: error instanceof Error ? error.message : String(error) };
    }
    process.send?.(reply);
  }
}
