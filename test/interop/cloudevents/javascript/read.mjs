// Reads requests, a line of JSON each, with the CloudEvents SDK in the folder that is named, and prints what they are to it.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { HTTP } = createRequire(`${process.argv[2]}/`)('cloudevents');

for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body } = JSON.parse(line);
  const bytes = Buffer.from(body, 'base64');
  let printed;
  try {
    // What frameworks hand over: text of a text, bytes of what is none.
    const isText = /^(application\/(cloudevents\+)?json|text\/)/.test(headers['content-type']);
    const event = HTTP.toEvent({ headers, body: isText ? bytes.toString() : bytes });
    const { id, source, type, subject, tenant, time, data } = event;
    printed = {
      ...{ id, source, type, subject, tenant, time: Date.parse(time) },
      // Of data_base64 it makes an array that has 32 bits for each byte.
      ...(ArrayBuffer.isView(data) ? { bytes: Buffer.from(Array.from(data)).toString('base64') } : { data }),
    };
  } catch (error) {
    printed = { refused: error.message };
  }
  console.log(JSON.stringify(printed));
}
