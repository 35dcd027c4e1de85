import type { MarkedAuth } from '../../domain/webhook/auth.ts';
import type { Payload } from '../../domain/webhook/payload.ts';
import type { AskedTls } from '../../domain/webhook/tls.ts';
import type { Webhook } from '../../domain/webhook/webhook.ts';

/** The wire size of a webhook, about: what a caller can make long, and the rest. */
export function wireBytesOf({ effective: spec, spec: { secretHeaders = {}, auth, tls } }: Webhook): number {
  const { headers, labels, payload, eventTypes, filter = '' } = spec;
  const pairs = [headers, labels, payload?.headerTemplates ?? {}].flatMap(Object.entries<string>);
  const secrets = Object.keys(secretHeaders);
  const texts = [spec.destination, filter, ...eventTypes, ...pairs.flat(), ...secrets];
  const marks = SECRET_MARK_BYTES * (secrets.length + 1);
  const own = bodyLength(payload?.body) + authLength(auth) + tlsLength(tls);
  return 500 + own + marks + texts.reduce((sum, text) => sum + text.length, 0);
}

/** What is said of a secret, with what lies around it. */
const SECRET_MARK_BYTES = 32;

/** What is long of how a webhook is let in. */
function authLength(auth: MarkedAuth | undefined): number {
  switch (auth?.kind) {
    case undefined:
    case 'bearer':
      return 0;
    case 'basic':
      return auth.username.length;
    case 'oauth2': {
      const { tokenUrl, clientId, scopes, parameters } = auth;
      const texts = [tokenUrl, clientId, ...scopes, ...Object.entries(parameters).flat()];
      return texts.reduce((sum, text) => sum + text.length, 0);
    }
    default:
      return auth satisfies never;
  }
}

function tlsLength(tls: AskedTls | undefined): number {
  if (tls === undefined) return 0;
  const { clientCertificate = '', caBundle = '', identity } = tls;
  const said = identity === undefined ? 0 : 2 * identity.subject.length + identity.issuer.length + 128;
  return clientCertificate.length + caBundle.length + said;
}

function bodyLength(body: Payload['body']): number {
  switch (body?.kind) {
    case undefined:
      return 0;
    case 'template':
      return body.source.length;
    case 'text':
      return body.text.length;
    case 'data':
      return body.data.length;
    default:
      return body satisfies never;
  }
}
