// Writes gen/openapi.json: the descriptors that the server has, with the comments of the proto files.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { AdminService } from '../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { readComments } from './openapi/comments.ts';
import { openApiOf } from './openapi/document.ts';

const ROOT = join(import.meta.dirname, '..');
const buf = join(ROOT, 'node_modules/.bin/buf');
const { status, stdout } = spawnSync(buf, ['build', '--as-file-descriptor-set', '-o', '-'], {
  cwd: ROOT,
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 64 * 1024 * 1024,
});
if (status !== 0) process.exit(1);

const comments = readComments(fromBinary(FileDescriptorSetSchema, stdout));
const document = openApiOf([WebhookService, EventService, DeliveryService, AdminService, Health], comments);
writeFileSync(join(ROOT, 'gen/openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
