import type { DescMessage, DescMethod, JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Begun } from '../transport/adapter.ts';
import type { QueryField } from './query.ts';

/** Things that have plain paths, for whoever wants no RPC: `/webhooks`, and `/webhooks/{id}` for one of them. */
export interface FaceGroup {
  readonly path: string;
  /** What one of them is called. */
  readonly noun: string;
  /** By HTTP method. */
  readonly onAll: Readonly<Record<string, Face>>;
  readonly onOne: Readonly<Record<string, Face>>;
}

/** One verb on one path: which RPC it is, and how the two are made of each other. */
export interface Face {
  readonly method: DescMethod;
  /** Query parameters that become fields of the request. */
  readonly query: readonly QueryField[];
  /** The body, if there is one, becomes this field of the request, and paths in it are written without it. */
  readonly body?: { readonly field: string; readonly message: DescMessage };
  /** The answer, made of that of the RPC. */
  readonly present?: (
    response: JsonObject,
    begun: Begun,
  ) => { status: number; body: JsonValue; location?: string };
}
