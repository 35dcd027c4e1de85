import { Code } from '@connectrpc/connect';
import type { ServerReflectionRequest } from '../../../gen/grpc/reflection/v1/reflection_pb.ts';
import type { ServerReflectionRequest as ServerReflectionRequestAlpha } from '../../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { DomainError } from '../../domain/error.ts';
import { quote } from '../../domain/text.ts';
import type { FileIndex } from './file-index.ts';

/** The two versions differ in the name of their package alone. */
type Request = ServerReflectionRequest | ServerReflectionRequestAlpha;

/**
 * grpc.reflection, v1 and v1alpha, by which older clients ask: answers each request from the descriptors that
 * the server was compiled with. A file comes with those it imports, each once in a stream, like grpc-go does it.
 */
export function reflectionService(files: () => FileIndex, shutdown: AbortSignal) {
  return {
    async *serverReflectionInfo<Version extends Request>(requests: AsyncIterable<Version>) {
      const sent = new Set<string>();
      for await (const request of until(shutdown, requests)) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(files(), request, sent),
        };
      }
    },
  };
}

function answer(files: FileIndex, { messageRequest: ask }: Request, sent: Set<string>) {
  switch (ask.case) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: { service: files.services.map((name) => ({ name })) },
      } as const;
    case 'fileByFilename':
      return filesOr(files.withImports(files.byName(ask.value), sent), `file ${quote(ask.value)}`);
    case 'fileContainingSymbol':
      return filesOr(files.withImports(files.bySymbol(ask.value), sent), `symbol ${quote(ask.value)}`);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = ask.value;
      const file = files.extensionsOf(containingType)?.get(extensionNumber);
      return filesOr(
        files.withImports(file, sent),
        `extension ${extensionNumber} of ${quote(containingType)}`,
      );
    }
    case 'allExtensionNumbersOfType': {
      const extensions = files.extensionsOf(ask.value);
      if (extensions === undefined) return missing(`message ${quote(ask.value)}`);
      const value = { baseTypeName: ask.value, extensionNumber: [...extensions.keys()] };
      return { case: 'allExtensionNumbersResponse', value } as const;
    }
    case undefined:
      return error(Code.InvalidArgument, 'the request asks for nothing');
    default:
      return ask satisfies never;
  }
}

function filesOr(fileDescriptorProto: Uint8Array[] | undefined, what: string) {
  if (fileDescriptorProto === undefined) return missing(what);
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } } as const;
}

function missing(what: string) {
  return error(Code.NotFound, `there is no ${what}`);
}

function error(errorCode: Code, errorMessage: string) {
  return { case: 'errorResponse', value: { errorCode, errorMessage } } as const;
}

/** The messages, until the signal; then the call is UNAVAILABLE. */
async function* until<T>(signal: AbortSignal, messages: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new DomainError('SERVER_STOPPING', 'the server is stopping'));
  stopped.catch(() => {});
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
