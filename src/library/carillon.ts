/**
 * What `import … from 'carillon'` gives: the services and messages of the API, for clients of Connect, the
 * details of its errors, and `verify` for those who receive webhooks. It loads nothing of the server.
 *
 *     const webhooks = createClient(WebhookService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
 *     const { webhook, secret } = await webhooks.register({ webhook: { name, destination } });
 */
export * from '../../gen/carillon/v1/admin_pb.ts';
export * from '../../gen/carillon/v1/audit_pb.ts';
export * from '../../gen/carillon/v1/consent_pb.ts';
export * from '../../gen/carillon/v1/credentials_pb.ts';
export * from '../../gen/carillon/v1/delivery_pb.ts';
export * from '../../gen/carillon/v1/destination_tls_pb.ts';
export * from '../../gen/carillon/v1/event_pb.ts';
export * from '../../gen/carillon/v1/namespace_pb.ts';
export * from '../../gen/carillon/v1/schedule_pb.ts';
export * from '../../gen/carillon/v1/seal_key_pb.ts';
export * from '../../gen/carillon/v1/standby_pb.ts';
export * from '../../gen/carillon/v1/webhook_pb.ts';
export * from '../../gen/google/rpc/error_details_pb.ts';
export { VerificationError, type VerifyRequest, verify } from './verify.ts';
