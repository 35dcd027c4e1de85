import { Code, ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from '../../../gen/google/rpc/error_details_pb.ts';
import { EXIT } from '../exit.ts';
import { COMMON, type Command, UsageError } from './command.ts';
import { DEFAULT_ADDRESS } from './connect.ts';
import { plain } from './terminal-text.ts';
import { span } from './times.ts';

export interface FailureContext {
  readonly command: Command;
  readonly address: string;
}

/** What went wrong, for a person, and the exit code that says so to a script. */
export function explain(reason: unknown, context: FailureContext): { text: string; code: number } {
  if (reason instanceof UsageError) return { text: `carillon: ${reason.message}\n`, code: EXIT.usage };
  const error = ConnectError.from(reason);
  const lines = [
    `carillon: ${unreached(error, context.address) ?? headline(error)}`,
    ...detailsOf(error, context),
  ];
  const code = error.code === Code.InvalidArgument ? EXIT.usage : EXIT.failed;
  return { text: lines.map((line) => `${line}\n`).join(''), code };
}

function headline(error: ConnectError): string {
  const name = (Code[error.code] ?? 'Unknown').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const hasFields = error
    .findDetails(BadRequestSchema)
    .some(({ fieldViolations }) => fieldViolations.length > 0);
  // The message of such an error is the list of its fields in a line, and the list follows.
  return hasFields ? `the server refused this (${name}):` : `${plain(error.rawMessage)} (${name})`;
}

/** Lines that say what to mend, or what to do. */
function detailsOf(error: ConnectError, { command }: FailureContext): string[] {
  const lines: string[] = [];
  for (const { fieldViolations } of error.findDetails(BadRequestSchema)) {
    for (const { field, description } of fieldViolations) {
      lines.push(`  ${nameOf(field, command)}${plain(description)}`);
    }
  }
  for (const { violations } of error.findDetails(PreconditionFailureSchema)) {
    for (const { subject, description } of violations) {
      if (!error.rawMessage.includes(description)) lines.push(`  ${plain(subject)}: ${plain(description)}`);
    }
  }
  for (const { retryDelay } of error.findDetails(RetryInfoSchema)) {
    if (retryDelay !== undefined) lines.push(`  try again in ${span(retryDelay)}`);
  }
  return lines;
}

/** A field as it was written on the command line, and as the API names it. */
function nameOf(field: string, { options, argument }: Command): string {
  if (field === '') return '';
  const named = [
    { flag: `<${argument?.name}>`, fields: [argument?.field] },
    ...[...options, ...COMMON].map((option) => ({
      flag: option.flag,
      fields: [option.field, option.several],
    })),
  ].filter(({ fields }) => fields.some((each) => each !== undefined && isOf(field, each)));
  const flags = [...new Set(named.map(({ flag }) => flag))];
  return flags.length === 1 ? `${flags[0]} (${plain(field)}): ` : `${plain(field)}: `;
}

/** Whether the server means what an option sets. It leaves out what every field of the request begins with. */
function isOf(field: string, option: string): boolean {
  return option === field || option.endsWith(`.${field}`) || within(field, option);
}

/** `webhook.labels["a"]` is within `webhook.labels`. */
function within(field: string, whole: string): boolean {
  return field.startsWith(whole) && /^[.[]/.test(field.slice(whole.length));
}

/** What to do when no server, or another than ours, is there; undefined when ours has answered. */
function unreached({ code, rawMessage, cause }: ConnectError, address: string): string | undefined {
  const errno = errnoOf(cause);
  if (errno === 'ECONNREFUSED') {
    return `no server answers at ${address}; start one with carillon dev, or name another with --address`;
  }
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    return `there is no host of that name: ${address}; name the server with --address`;
  }
  // What OpenSSL makes of an answer that is not TLS, in Node 26 and in Node 24: the scheme is wrong.
  if (errno === 'EPROTO' && /wrong version number|packet length too long/.test(rawMessage)) {
    return `what answers at ${address} does not speak TLS; give the address with http:// if it is meant to`;
  }
  const untrusted = errno === undefined ? undefined : UNTRUSTED[errno];
  if (untrusted !== undefined) return `the certificate of ${address} ${untrusted}`;
  if (errno !== undefined) return `the server at ${address} cannot be reached: ${plain(rawMessage)}`;
  if (code === Code.DeadlineExceeded) return `the server at ${address} did not answer in time`;
  if (rawMessage === 'HTTP 505') {
    return `what answers at ${address} speaks native gRPC only; give the address of the API, such as ${DEFAULT_ADDRESS}`;
  }
  if (/^HTTP \d+$|^unsupported content type|^unexpected end|socket hang up/.test(rawMessage)) {
    return `what answers at ${address} is not a Carillon server (${plain(rawMessage)}); name one with --address`;
  }
  return undefined;
}

const BY_NOBODY =
  'was not signed by anybody that this machine trusts; give the certificate of who signed it with --ca';
/** What can be wrong with a certificate, by OpenSSL's names and Node's. */
const UNTRUSTED: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: BY_NOBODY,
  DEPTH_ZERO_SELF_SIGNED_CERT: BY_NOBODY,
  UNABLE_TO_GET_ISSUER_CERT: BY_NOBODY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: BY_NOBODY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: BY_NOBODY,
  CERT_SIGNATURE_FAILURE: 'was not signed by the one that --ca names; give the certificate of who signed it',
  CERT_HAS_EXPIRED: 'has expired; ask who runs the server for a new one',
  CERT_NOT_YET_VALID: 'is not valid yet; look at the clock of this machine, and of the server',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for other names; give one of those with --address',
};

/** The system's name of a failure, which may be wrapped. */
function errnoOf(cause: unknown): string | undefined {
  for (let each = cause; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code;
    if (each instanceof AggregateError) return errnoOf(each.errors[0]);
  }
  return undefined;
}
