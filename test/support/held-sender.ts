import { systemClock } from '../../src/domain/clock.ts';
import type { ErrorClass, Outcome } from '../../src/domain/delivery/attempt.ts';
import type { DestinationTls } from '../../src/domain/webhook/destination-tls.ts';
import type { OutgoingRequest } from '../../src/outbound/request.ts';
import type { Sender } from '../../src/outbound/sender.ts';
import { until } from './pipeline.ts';

/**
 * A sender whose requests stay in flight until a test answers them. Nothing leaves the process, so what is
 * in flight is exactly what the dispatcher has sent.
 *
 *     const sender = heldSender();
 *     await using pipeline = await openPipeline({ sender });
 *     const [first] = await sender.sending(1);
 *     first.answer(200);
 */
export interface HeldSender extends Pick<Sender, 'send'> {
  /** All requests, oldest first. */
  readonly sent: readonly HeldRequest[];
  /** Those without an answer. */
  readonly open: readonly HeldRequest[];
  /** Answers all requests so from now on, at once. */
  answerAll(status: number): void;
  /** Resolves with all requests once there are so many. */
  sending(count: number): Promise<readonly HeldRequest[]>;
}

export interface HeldRequest {
  readonly destination: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly tls?: DestinationTls;
  answer(status: number, headers?: Readonly<Record<string, string>>): void;
  /** Nothing came of it, for this reason. */
  fail(errorClass: ErrorClass): void;
}

export function heldSender(): HeldSender {
  const sent: (HeldRequest & { isOpen: boolean })[] = [];
  let standing: number | undefined;

  function hold(request: OutgoingRequest, resolve: (outcome: Outcome) => void): void {
    const startedAt = systemClock.now();
    const tried = () => ({ startedAt, durationMs: systemClock.now() - startedAt, timing: {} });
    const held = {
      destination: request.destination,
      body: Buffer.from(request.body).toString(),
      headers: named(request.headers),
      timeoutMs: request.timeoutMs,
      ...(request.tls !== undefined && { tls: request.tls }),
      isOpen: true,
      answer(status: number, headers: Readonly<Record<string, string>> = {}) {
        held.isOpen = false;
        resolve({ kind: 'answered', status, headers, body: new Uint8Array(), truncated: false, ...tried() });
      },
      fail(errorClass: ErrorClass) {
        held.isOpen = false;
        resolve({ kind: 'failed', errorClass, message: 'as the test says', ...tried() });
      },
    };
    sent.push(held);
    if (standing !== undefined) held.answer(standing);
  }

  return {
    sent,
    get open() {
      return sent.filter(({ isOpen }) => isOpen);
    },
    answerAll(status) {
      standing = status;
    },
    send: (request) => new Promise((resolve) => hold(request, resolve)),
    sending: (count) => until(() => (sent.length >= count ? sent : undefined)),
  };
}

function named(headers: readonly string[]): Record<string, string> {
  const byName: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) byName[headers[i]!] = headers[i + 1]!;
  return byName;
}
