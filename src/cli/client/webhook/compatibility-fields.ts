import { TEXT, type WebhookField, words } from './field-kinds.ts';

/** Those of a signature as another sender made it. */
export const COMPATIBILITY_FIELDS: readonly WebhookField[] = [
  {
    flag: '--compatibility-header',
    value: 'name',
    field: 'webhook.compatibility_signature.header',
    is: TEXT,
    about: 'Also sign as another sender did before, in this header: x-hub-signature-256, stripe-signature …',
  },
  {
    flag: '--compatibility-value',
    value: 'value',
    field: 'webhook.compatibility_signature.value',
    is: TEXT,
    about: 'What stands in it: sha256={signature}, t={timestamp},v1={signature} … (default {signature}).',
  },
  {
    flag: '--compatibility-secret',
    value: 'secret|@file',
    field: 'webhook.compatibility_signature.secret',
    is: { kind: 'content', line: true },
    about: 'The secret that the receiver has of that sender, any text; from a file, others do not see it.',
  },
  {
    flag: '--compatibility-key-form',
    ...words('KEY_FORM_', 'text', 'base64'),
    field: 'webhook.compatibility_signature.key_form',
    about: 'What of that secret is the key: its text (default), or what it is the base64 of.',
  },
  {
    flag: '--compatibility-algorithm',
    ...words('ALGORITHM_', 'hmac-sha256', 'hmac-sha1'),
    field: 'webhook.compatibility_signature.algorithm',
    about: 'How that is signed (default hmac-sha256).',
  },
  {
    flag: '--compatibility-encoding',
    ...words('ENCODING_', 'hex', 'base64'),
    field: 'webhook.compatibility_signature.encoding',
    about: 'How that signature is written (default hex).',
  },
  {
    flag: '--compatibility-content',
    ...words('CONTENT_', 'body', 'timestamp-body'),
    field: 'webhook.compatibility_signature.content',
    about: 'What is signed so: the body (default), or the timestamp, a dot and the body.',
  },
];
