import { create } from '@bufbuild/protobuf';
import {
  type Auth as AuthMessage,
  AuthSchema,
  OAuth2Auth_ClientAuthentication as ClientAuthenticationMessage,
  type OAuth2Auth,
  type SecretValue,
} from '../../../gen/carillon/v1/credentials_pb.ts';
import type { Problems } from '../../domain/problems.ts';
import type { AskedAuth, MarkedAuth } from '../../domain/webhook/auth.ts';
import type { OAuth2Of } from '../../domain/webhook/oauth2.ts';
import type { SecretMark } from '../../domain/webhook/secret-mark.ts';
import { enumPair } from './enum-pair.ts';
import { fromDuration, toDuration } from './time.ts';

const CLIENT_AUTHENTICATIONS = enumPair({
  BASIC: ClientAuthenticationMessage.BASIC,
  POST: ClientAuthenticationMessage.POST,
});

/** Undefined for none, also for a message without a method: that is a violation of its rules. */
export function authFrom(message: AuthMessage | undefined, problems: Problems): AskedAuth | undefined {
  const method = message?.method;
  switch (method?.case) {
    case 'basic': {
      const { username, password } = method.value;
      return { kind: 'basic', username, secret: secretFrom(password) };
    }
    case 'bearer':
      return { kind: 'bearer', secret: secretFrom(method.value.token) };
    case 'oauth2':
      return oauth2From(method.value, problems.under('oauth2'));
    case undefined:
      return undefined;
    default:
      return method satisfies never;
  }
}

export function authTo(auth: MarkedAuth): AuthMessage {
  switch (auth.kind) {
    case 'basic': {
      const { username, secret: password } = auth;
      return create(AuthSchema, { method: { case: 'basic', value: { username, password } } });
    }
    case 'bearer':
      return create(AuthSchema, { method: { case: 'bearer', value: { token: auth.secret } } });
    case 'oauth2':
      return create(AuthSchema, { method: { case: 'oauth2', value: oauth2To(auth) } });
    default:
      return auth satisfies never;
  }
}

function oauth2From(message: OAuth2Auth, problems: Problems): OAuth2Of<string | undefined> {
  const clientAuthentication = CLIENT_AUTHENTICATIONS.toDomain(message.clientAuthentication);
  const { tokenLifetime } = message;
  return {
    kind: 'oauth2',
    tokenUrl: message.tokenUrl,
    clientId: message.clientId,
    secret: secretFrom(message.clientSecret),
    scopes: [...message.scopes],
    parameters: Object.fromEntries(Object.entries(message.parameters)),
    ...(clientAuthentication !== undefined && { clientAuthentication }),
    ...(tokenLifetime !== undefined && {
      tokenLifetimeMs: fromDuration(tokenLifetime, 'token_lifetime', problems),
    }),
  };
}

function oauth2To(oauth2: OAuth2Of<SecretMark>) {
  const { tokenUrl, clientId, secret, scopes, parameters, clientAuthentication, tokenLifetimeMs } = oauth2;
  return {
    tokenUrl,
    clientId,
    clientSecret: secret,
    scopes: [...scopes],
    parameters: Object.fromEntries(Object.entries(parameters)),
    clientAuthentication: CLIENT_AUTHENTICATIONS.toProto(clientAuthentication),
    ...(tokenLifetimeMs !== undefined && { tokenLifetime: toDuration(tokenLifetimeMs) }),
  };
}

function secretFrom(secret: SecretValue | undefined): string | undefined {
  return secret?.value || undefined;
}
