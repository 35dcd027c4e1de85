import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { PublishBatchRequestSchema, PublishStreamRequestSchema } from '../../gen/carillon/v1/event_pb.ts';
import { BatchRegisterRequestSchema } from '../../gen/carillon/v1/webhook_pb.ts';
import type { DomainError } from '../domain/error.ts';

/** Where the things are that a request is about. */
export interface ItemField {
  readonly field: DescField;
  readonly name: string;
  readonly jsonName: string;
  readonly localName: string;
  /** Many in one message; otherwise each message of a stream has one. */
  readonly isList: boolean;
  readonly message: DescMessage;
}

/**
 * Requests that are about many things, each of which is answered by itself, and the field that they are in. What
 * cannot be read of one item is its own refusal: the others must not pay for it.
 */
const ITEMS: ReadonlyMap<DescMessage, ItemField> = new Map(
  [
    PublishBatchRequestSchema.field.requests,
    BatchRegisterRequestSchema.field.requests,
    PublishStreamRequestSchema.field.request,
  ].map((field): [DescMessage, ItemField] => {
    const { name, jsonName, localName, fieldKind } = field;
    return [
      field.parent,
      { field, name, jsonName, localName, isList: fieldKind === 'list', message: field.message! },
    ];
  }),
);

/** The field that the items of a request are in; undefined for requests that are about one thing. */
export function itemsOf(type: DescMessage): ItemField | undefined {
  return ITEMS.get(type);
}

const faults = new WeakMap<Message, DomainError>();

/** What stands in the place of an item that cannot be read. */
export function standIn(type: DescMessage, fault: DomainError): Message {
  const message = create(type);
  faults.set(message, fault);
  return message;
}

/** Why an item cannot be read; undefined for one that could. */
export function faultOf(item: Message): DomainError | undefined {
  return faults.get(item);
}
