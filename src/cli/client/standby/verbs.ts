import { TakeOverResponseSchema } from '../../../../gen/carillon/v1/standby_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { type Job, show } from '../job.ts';
import { originText } from './shown.ts';

/** `carillon resume --all`. */
export async function resume(job: Job): Promise<void> {
  const { connection, invocation, world } = job;
  if (flagValue(invocation, '--all') === undefined) {
    throw new UsageError(
      'give --all, to let a server send that was restored or imported; one webhook is resumed with carillon webhooks resume <id>',
    );
  }
  const answer = await connection.admin.takeOver({});
  show(job, TakeOverResponseSchema, answer, () =>
    answer.standby === undefined
      ? 'the server was not on standby; nothing was changed\n'
      : `the server sends from now on; it was ${originText(answer.standby, world.now())}\n`,
  );
}
