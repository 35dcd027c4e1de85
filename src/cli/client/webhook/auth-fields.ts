import { DURATION, ENTRIES, TEXT, type WebhookField, words } from './field-kinds.ts';

/** Those of how a webhook is let in by its destination. */
export const AUTH_FIELDS: readonly WebhookField[] = [
  {
    flag: '--username',
    value: 'name',
    field: 'webhook.auth.basic.username',
    is: TEXT,
    about: 'The name by which the destination knows it (Basic), with --password.',
  },
  {
    flag: '--password',
    value: 'password|@file',
    field: 'webhook.auth.basic.password.value',
    is: { kind: 'content', line: true },
    about: 'The password to that; from a file, others do not see it.',
  },
  {
    flag: '--bearer-token',
    value: 'token|@file',
    field: 'webhook.auth.bearer.token.value',
    is: { kind: 'content', line: true },
    about: 'The token by which the destination lets it in (Bearer); from a file, others do not see it.',
  },
  {
    flag: '--oauth-token-url',
    value: 'url',
    field: 'webhook.auth.oauth2.token_url',
    is: TEXT,
    about: 'Get tokens here by client credentials (OAuth 2.0), with the following.',
  },
  {
    flag: '--oauth-client-id',
    value: 'id',
    field: 'webhook.auth.oauth2.client_id',
    is: TEXT,
    about: 'By which the authorization server knows the client.',
  },
  {
    flag: '--oauth-client-secret',
    value: 'secret|@file',
    field: 'webhook.auth.oauth2.client_secret.value',
    is: { kind: 'content', line: true },
    about: 'The secret to that; from a file, others do not see it.',
  },
  {
    flag: '--oauth-scope',
    value: 'scope',
    many: true,
    field: 'webhook.auth.oauth2.scopes',
    is: { kind: 'texts' },
    about: 'What tokens are to allow.',
  },
  {
    flag: '--oauth-parameter',
    value: 'name=value',
    many: true,
    field: 'webhook.auth.oauth2.parameters',
    is: ENTRIES,
    about: 'What else the server wants to be told: audience=https://api.example.com.',
  },
  {
    flag: '--oauth-client-authentication',
    ...words('CLIENT_AUTHENTICATION_', 'basic', 'post'),
    field: 'webhook.auth.oauth2.client_authentication',
    about: 'Where id and secret go: into a header (default), or into the body.',
  },
  {
    flag: '--oauth-token-lifetime',
    value: 'duration',
    field: 'webhook.auth.oauth2.token_lifetime',
    is: DURATION,
    about: 'How long a token is good of which the server does not say so.',
  },
];
