import { create } from '@bufbuild/protobuf';
import { SecretValueSchema } from '../../../gen/carillon/v1/credentials_pb.ts';
import {
  ClientIdentitySchema,
  DestinationTlsSchema,
  type DestinationTls as Message,
} from '../../../gen/carillon/v1/destination_tls_pb.ts';
import type { AskedCredentials } from '../../domain/webhook/credentials.ts';
import type { AskedTls } from '../../domain/webhook/tls.ts';
import { toTimestamp } from './time.ts';

/** All of it but the private key; undefined for a message that asks for nothing. */
export function tlsFrom(message: Message | undefined): AskedTls | undefined {
  if (message === undefined) return undefined;
  const { clientCertificate, caBundle, insecureSkipVerify } = message;
  if (clientCertificate === '' && caBundle === '' && !insecureSkipVerify) return undefined;
  return {
    ...(clientCertificate !== '' && { clientCertificate }),
    ...(caBundle !== '' && { caBundle }),
    ...(insecureSkipVerify && { unverified: true }),
  };
}

/** The private key that a message asks for. Without a certificate the one that there is goes too. */
export function privateKeyFrom(message: Message | undefined): AskedCredentials['tls'] {
  const privateKey = message?.privateKey?.value || undefined;
  const isKept = message !== undefined && message.clientCertificate !== '';
  return isKept || privateKey !== undefined ? { privateKey } : undefined;
}

export function tlsTo({ clientCertificate, privateKey, caBundle, unverified, identity }: AskedTls): Message {
  return create(DestinationTlsSchema, {
    clientCertificate: clientCertificate ?? '',
    ...(privateKey !== undefined && { privateKey: create(SecretValueSchema, privateKey) }),
    caBundle: caBundle ?? '',
    insecureSkipVerify: unverified ?? false,
    ...(identity !== undefined && {
      identity: create(ClientIdentitySchema, {
        subject: identity.subject,
        issuer: identity.issuer,
        sha256Fingerprint: identity.fingerprint,
        startTime: toTimestamp(identity.startsAt),
        expireTime: toTimestamp(identity.expiresAt),
      }),
    }),
  });
}
