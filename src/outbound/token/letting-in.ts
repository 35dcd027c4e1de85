import type { Clock } from '../../domain/clock.ts';
import { notSent, type Outcome } from '../../domain/delivery/attempt.ts';
import { requestHeadFault } from '../../domain/event/header-rules.ts';
import { BEARER } from '../../domain/webhook/access-token.ts';
import type { Grant } from '../../domain/webhook/grant.ts';
import { redacted } from '../../domain/webhook/redact.ts';
import { startDeadline } from '../deadline.ts';
import { heldUp, SendFailure } from '../failure.ts';
import type { OutgoingRequest } from '../request.ts';
import type { Sender } from '../sender.ts';
import { createAsk, endpointOf } from './ask.ts';
import { createTokens, type Got } from './tokens.ts';

export interface LettingInDeps {
  readonly sender: Pick<Sender, 'send'>;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** `Carillon/<version>`. */
  readonly userAgent: string;
}

/**
 * The same sender, for requests too that a token has to be got for: the time for that is part of theirs. What a
 * receiver repeats of the token is masked here, since nobody else knows it.
 */
export function createLettingIn({ sender, clock, userAgent }: LettingInDeps): Pick<Sender, 'send'> {
  const tokens = createTokens({ ask: createAsk({ sender, userAgent }), clock });

  async function sendWithToken(request: OutgoingRequest, grant: Grant): Promise<Outcome> {
    const startedAt = clock.now();
    const begun = clock.monotonic();
    const got = tokens.known(grant) ?? (await within(request.timeoutMs, grant));
    const tokenMs = Math.round(clock.monotonic() - begun);
    const failed = (why: SendFailure) => notSent(why, startedAt, tokenMs);
    if (got instanceof SendFailure) return failed(got);
    if (tokenMs >= request.timeoutMs) return failed(late(request.timeoutMs, grant, 0));
    const shown = showing(request, got);
    const tooMuch = requestHeadFault(shown);
    if (tooMuch !== undefined) return failed(new SendFailure('OAUTH', `the token is too long: ${tooMuch}`));
    const outcome = await sender.send({ ...shown, timeoutMs: request.timeoutMs - tokenMs });
    if (outcome.kind === 'answered') tokens.answered(grant, got, outcome.status);
    const whole = { ...outcome, startedAt, durationMs: outcome.durationMs + tokenMs };
    return redacted(tokenMs > 0 ? withTokenTime(whole, tokenMs) : whole, [BEARER + got]);
  }

  /** Waits for a token for so long; who waits no more leaves it to those who come after. */
  function within(ms: number, grant: Grant): Promise<Got> {
    return new Promise((resolve) => {
      const callOff = startDeadline(clock, ms, (heldUpMs) => resolve(late(ms, grant, heldUpMs)));
      void tokens.get(grant).then((got) => {
        callOff();
        resolve(got);
      });
    });
  }

  return {
    send(request) {
      const { grant } = request;
      return grant === undefined ? sender.send(request) : sendWithToken(request, grant);
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function late(ms: number, { oauth2 }: Grant, heldUpMs: number): SendFailure {
  const message = `no token from ${endpointOf(oauth2)} within ${ms} ms`;
  return heldUpMs > 0 ? heldUp(message, heldUpMs) : new SendFailure('OAUTH', message);
}

/** The request with the token where `***` stood for it. */
function showing(request: OutgoingRequest, token: string): OutgoingRequest {
  const headers = [...request.headers];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'authorization') headers[i + 1] = BEARER + token;
  }
  return { ...request, headers };
}

/** What was too late says why it had less time than its webhook gives it. */
function withTokenTime(outcome: Outcome, tokenMs: number): Outcome {
  if (outcome.kind !== 'failed' || outcome.errorClass !== 'TIMEOUT') return outcome;
  return { ...outcome, message: `${outcome.message}, after ${tokenMs} ms in which a token was got` };
}
