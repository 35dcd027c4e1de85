import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  type Message,
} from '@bufbuild/protobuf';
import { type Any, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/**
 * connectrpc.conformance.v1 as far as a server needs it. The descriptors are built from the suite's own
 * proto files (Apache-2.0) when the tests run, so what is written here is only what TypeScript cannot see.
 */
export interface Schema {
  readonly registry: FileRegistry;
  readonly service: DescService;
  message(name: string): DescMessage;
}

const PACKAGE = 'connectrpc.conformance.v1';

/** By the path of an image that buf has built. */
export function loadSchema(path: string): Schema {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path)));
  const found = <T>(what: T | undefined): T => {
    if (what === undefined) throw new Error(`${path} is not an image of ${PACKAGE}`);
    return what;
  };
  return {
    registry,
    service: found(registry.getService(`${PACKAGE}.ConformanceService`)),
    message: (name) => found(registry.getMessage(`${PACKAGE}.${name}`)),
  };
}

export interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

export interface ErrorSpec {
  readonly code: number;
  readonly message?: string;
  readonly details: readonly Any[];
}

interface Definition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
}

export interface UnaryDefinition extends Definition {
  readonly response:
    | { readonly case: 'responseData'; readonly value: Uint8Array }
    | { readonly case: 'error'; readonly value: ErrorSpec }
    | { readonly case: undefined };
}

export interface StreamDefinition extends Definition {
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorSpec;
}

export type Asking<D> = Message & { readonly responseDefinition?: D; readonly fullDuplex?: boolean };

export interface ServerRequest extends Message {
  /** The largest message that a client may send. */
  readonly messageReceiveLimit: number;
  readonly useTls: boolean;
  /** A certificate that the suite's clients trust; there is one when TLS is used. */
  readonly serverCreds: Credentials | undefined;
}

/** Both in PEM. */
export interface Credentials {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}
