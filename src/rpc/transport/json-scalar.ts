import { ScalarType } from '@bufbuild/protobuf';
import { quote } from '../../domain/text.ts';
import { isSecretPlace } from '../../domain/webhook/secret-fields.ts';

const INT32_MAX = 2 ** 31 - 1;
const INTEGER = /^-?[0-9]+$/;
const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** What is wrong with a JSON value as this scalar (ProtoJSON), as the end of a sentence; undefined when nothing is. */
export function scalarJsonFault(type: ScalarType, json: unknown, path: string): string | undefined {
  switch (type) {
    case ScalarType.STRING:
      if (typeof json !== 'string') return `must be a string${got(json, path)}`;
      return json.isWellFormed() ? undefined : 'must be valid Unicode, without lone surrogates';
    case ScalarType.BOOL:
      return typeof json === 'boolean' ? undefined : `must be true or false${got(json, path)}`;
    case ScalarType.BYTES:
      return isBase64(json)
        ? undefined
        : `must be a string of base64${typeof json === 'string' ? '' : got(json, path)}`;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return isDecimal(json) ? undefined : `must be a number${got(json, path)}`;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return isInt64(type, json) ? undefined : `must be a whole number of 64 bits${got(json, path)}`;
    default:
      return isInt32(type, json) ? undefined : `must be a whole number of 32 bits${got(json, path)}`;
  }
}

/** protobuf-es skips spaces, and reads a final group of one letter as nothing. */
function isBase64(json: unknown): boolean {
  return typeof json === 'string' && BASE64.test(json) && json.replaceAll('=', '').length % 4 !== 1;
}

function isDecimal(json: unknown): boolean {
  if (typeof json === 'number') return true;
  return typeof json === 'string' && (DECIMAL.test(json) || ['NaN', 'Infinity', '-Infinity'].includes(json));
}

function isInt32(type: ScalarType, json: unknown): boolean {
  if (typeof json !== 'number' && !(typeof json === 'string' && DECIMAL.test(json))) return false;
  const value = Number(json);
  const unsigned = type === ScalarType.UINT32 || type === ScalarType.FIXED32;
  const [least, most] = unsigned ? [0, 2 * INT32_MAX + 1] : [-INT32_MAX - 1, INT32_MAX];
  return Number.isInteger(value) && value >= least && value <= most;
}

function isInt64(type: ScalarType, json: unknown): boolean {
  if (
    typeof json === 'number' ? !Number.isSafeInteger(json) : !(typeof json === 'string' && INTEGER.test(json))
  ) {
    return false;
  }
  // 20 digits are more than 64 bits hold: longer text need not become a number first.
  if (String(json).length > 20) return false;
  const value = BigInt(json as string | number);
  const unsigned = type === ScalarType.UINT64 || type === ScalarType.FIXED64;
  return value === (unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value));
}

/** What came instead of what must be at a path, where it helps, to be put behind that. */
export function got(json: unknown, path: string): string {
  if (json === null) return ', not null';
  if (typeof json === 'object') return Array.isArray(json) ? ', not an array' : ', not an object';
  // Who writes a token where an object with it belongs would read it in a log of errors.
  if (isSecretPlace(path.split(/[.[]/))) return `, not a ${typeof json}`;
  return typeof json === 'string' ? `, not ${quote(json)}` : `, not ${json}`;
}
