import { create } from '@bufbuild/protobuf';
import { type HttpRule, HttpRuleSchema } from '../../../gen/google/api/http_pb.ts';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';

/** Where methods are in REST whose proto files are not ours to annotate, by their full names. */
export const RULES: Readonly<Record<string, HttpRule>> = {
  [`${Health.typeName}.${Health.method.check.name}`]: reading('/v1/health'),
  [`${Health.typeName}.${Health.method.list.name}`]: reading('/v1/health:list'),
  [`${Health.typeName}.${Health.method.watch.name}`]: reading('/v1/health:watch'),
};

function reading(path: string): HttpRule {
  return create(HttpRuleSchema, { pattern: { case: 'get', value: path } });
}
