import { create } from '@bufbuild/protobuf';
import {
  type Auth as AuthMessage,
  AuthSchema,
  type SecretValue,
} from '../../../gen/carillon/v1/credentials_pb.ts';
import type { AskedAuth, MarkedAuth } from '../../domain/webhook/auth.ts';

/** Undefined for none, also for a message without a method: that is a violation of its rules. */
export function authFrom(message: AuthMessage | undefined): AskedAuth | undefined {
  const method = message?.method;
  switch (method?.case) {
    case 'basic': {
      const { username, password } = method.value;
      return { kind: 'basic', username, secret: secretFrom(password) };
    }
    case 'bearer':
      return { kind: 'bearer', secret: secretFrom(method.value.token) };
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
    default:
      return auth satisfies never;
  }
}

function secretFrom(secret: SecretValue | undefined): string | undefined {
  return secret?.value || undefined;
}
