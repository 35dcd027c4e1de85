import { fromJson } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import {
  RotateSecretResponseSchema,
  WithdrawSecretResponseSchema,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { readText } from '../event/written-data.ts';
import { type Job, show } from '../job.ts';
import { durationJson } from '../values.ts';
import { cardOf, etagOf, target } from './one.ts';

export async function rotateSecret(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const given = flagValue(invocation, '--secret');
  const overlap = flagValue(invocation, '--overlap');
  const request = {
    ...etagOf(job),
    ...(given !== undefined && { secret: (await readText('--secret', given, world)).trimEnd() }),
    ...(overlap !== undefined && { overlap: fromJson(DurationSchema, durationJson('--overlap', overlap)) }),
  };
  const answer = await connection.webhooks.rotateSecret({ ...(await target(job)), ...request });
  show(job, RotateSecretResponseSchema, answer, () => {
    const done = answer.secret === '' ? 'It signs with this secret already' : 'Rotated';
    return cardOf(job, answer.webhook, { done, secret: answer.secret });
  });
}

export async function withdrawSecret(job: Job): Promise<void> {
  const secretId = flagValue(job.invocation, '--secret-id');
  if (secretId === undefined) throw new UsageError('--secret-id is required: see carillon webhooks get');
  const request = { ...(await target(job)), ...etagOf(job), secretId };
  const answer = await job.connection.webhooks.withdrawSecret(request);
  show(job, WithdrawSecretResponseSchema, answer, () => cardOf(job, answer.webhook, { done: 'Withdrawn' }));
}
