import type { WebhookField } from './field-kinds.ts';

/** Those of how TLS is spoken with the destination. */
export const TLS_FIELDS: readonly WebhookField[] = [
  {
    flag: '--tls-client-certificate',
    value: '@file',
    field: 'webhook.tls.client_certificate',
    is: { kind: 'content', line: false },
    about: 'Show this certificate where the destination asks for one (mTLS), in PEM; with --tls-private-key.',
  },
  {
    flag: '--tls-private-key',
    value: '@file',
    field: 'webhook.tls.private_key.value',
    is: { kind: 'content', line: false },
    about: 'The private key of that certificate, in PEM and not encrypted.',
  },
  {
    flag: '--tls-ca-bundle',
    value: '@file',
    field: 'webhook.tls.ca_bundle',
    is: { kind: 'content', line: false },
    about: 'Trust the certificates of these authorities, in PEM, in place of the usual ones.',
  },
  {
    flag: '--tls-insecure-skip-verify',
    field: 'webhook.tls.insecure_skip_verify',
    is: { kind: 'switch' },
    about: 'Dangerous: take any certificate, also that of somebody on the way. Better give --tls-ca-bundle.',
  },
];
