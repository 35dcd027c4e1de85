import type { ClaimResult, Requests } from '../requests.ts';
import type { AnswerRow, ClaimRow } from '../rows/messages.ts';
import { type Connection, sized } from './connection.ts';
import type { ClaimCode } from './shapes.ts';

export function requests({ client }: Pick<Connection, 'client'>): Requests {
  return {
    claimRequests: async (batch) =>
      client.call(
        'claimRequests',
        batch.map(
          ({ namespace, requestId, digest, formerDigests = [], now, until }): ClaimRow => [
            namespace,
            requestId,
            [digest, ...formerDigests],
            now,
            until,
          ],
        ),
        sized(batch),
        (found) => found.map(claimResult),
      ),

    answerRequests: async (batch) => {
      const bytes = batch.reduce((sum, { answer }) => sum + answer.length, 0);
      return client.call(
        'answerRequests',
        batch.map(({ namespace, requestId, answer }): AnswerRow => [namespace, requestId, answer]),
        { rows: batch.length, bytes },
        () => {},
      );
    },

    releaseRequests: async (batch) =>
      client.call(
        'releaseRequests',
        batch.map(({ namespace, requestId }): [string, string] => [namespace, requestId]),
        sized(batch),
        () => {},
      ),
  };
}

function claimResult(code: ClaimCode): ClaimResult {
  if (code === 'OTHER' || code === 'FULL') return { kind: code };
  const [kind, found, digest] = code;
  return kind === 'ANSWERED' ? { kind, answer: found, digest } : { kind, at: found, digest };
}
