import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { type Status, StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { type DomainError, invalidRequest } from '../domain/error.ts';
import { fromDomain } from './errors.ts';

/** Violations named of one item among many: the answer must stay below what gRPC clients accept. */
const ITEM_PROBLEMS_MAX = 5;

/** What one item of a batch is told: its error has a code, a message and details in it. */
export function itemError(refused: DomainError): Status {
  const violations = refused.violations.slice(0, ITEM_PROBLEMS_MAX);
  const short = violations.length < refused.violations.length ? invalidRequest(violations) : refused;
  const error = fromDomain(short);
  return create(StatusSchema, {
    code: error.code,
    message: error.rawMessage,
    details: error.details.flatMap((detail) =>
      'desc' in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
    ),
  });
}
