import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import { sealRotationTo } from '../convert/seal-key.ts';
import type { ApiDeps } from '../deps.ts';
import { checkIsForAll } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';

type SealKeyMethods = Pick<ServiceImpl<typeof AdminService>, 'rotateSealKey' | 'getSealKeyRotation'>;

/** The methods of AdminService that are about the key that seals. */
export function sealKeyMethods({ control: { sealing } }: Pick<ApiDeps, 'control'>): SealKeyMethods {
  return {
    async rotateSealKey({ keyId }, context) {
      checkIsForAll(principalOf(context));
      return { rotation: sealRotationTo(await sealing.rotate(keyId)) };
    },

    async getSealKeyRotation(_, context) {
      checkIsForAll(principalOf(context));
      return { rotation: sealRotationTo(sealing.status()) };
    },
  };
}
