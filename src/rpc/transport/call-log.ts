import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Call } from './call.ts';

/** Writes the one line that each call gets, when it has ended. `otherwise` is its code if it has none. */
export type CallLog = (call: Call, otherwise: string) => void;

export function callLog({ clock, log }: { readonly clock: Clock; readonly log: Log }): CallLog {
  return (call, otherwise) => {
    const code = call.code ?? otherwise;
    // Without an id it is gRPC's word for what a caller sent: half a message, say.
    const ours = code === 'internal' && call.errorId !== undefined;
    const level = ours ? 'error' : call.method.startsWith('grpc.') ? 'debug' : 'info';
    log[level](
      {
        rpc: call.method,
        protocol: call.protocol,
        code,
        durationMs: Math.round((clock.monotonic() - call.startedAt) * 1000) / 1000,
        ...(call.address !== undefined && { address: call.address }),
        ...call.fields,
        ...(call.errorId !== undefined && { errorId: call.errorId }),
      },
      `${call.method} ${code}`,
    );
  };
}
