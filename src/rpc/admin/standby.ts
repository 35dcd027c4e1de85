import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import { standbyTo } from '../convert/standby.ts';
import type { ApiDeps } from '../deps.ts';
import { checkIsForAll } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';

type StandbyMethods = Pick<ServiceImpl<typeof AdminService>, 'getStandby' | 'takeOver'>;

/** The methods of AdminService that are about whether the server sends. */
export function standbyMethods({ control: { standby } }: Pick<ApiDeps, 'control'>): StandbyMethods {
  return {
    getStandby: async () => answerOf(await standby.get()),

    async takeOver(_, context) {
      checkIsForAll(principalOf(context));
      return answerOf(await standby.takeOver());
    },
  };
}

function answerOf(found: Parameters<typeof standbyTo>[0] | undefined) {
  return found === undefined ? {} : { standby: standbyTo(found) };
}
