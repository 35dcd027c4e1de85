import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliveryFormatOf, type Payload } from '../../../src/domain/webhook/payload.ts';

const NOTHING: Payload = { contentType: 'application/json', eventFormat: 'ENVELOPE', headerTemplates: {} };
const TEMPLATE: Payload = { ...NOTHING, body: { kind: 'template', source: 'x' } };

describe('the format of a delivery', () => {
  it('is the envelope unless the payload says otherwise, and what a template makes where there is one', () => {
    assert.equal(deliveryFormatOf(undefined), 'ENVELOPE');
    assert.equal(deliveryFormatOf(NOTHING), 'ENVELOPE');
    assert.equal(deliveryFormatOf({ ...NOTHING, eventFormat: 'RAW' }), 'BODY');
    for (const eventFormat of ['CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const) {
      assert.equal(deliveryFormatOf({ ...NOTHING, eventFormat }), eventFormat);
      assert.equal(deliveryFormatOf({ ...TEMPLATE, eventFormat }), 'RENDERED');
      assert.equal(
        deliveryFormatOf({ ...NOTHING, body: { kind: 'text', text: '' }, eventFormat }),
        eventFormat,
      );
    }
  });
});
