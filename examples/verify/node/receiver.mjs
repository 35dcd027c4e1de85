// Receives webhooks and believes only those that are genuine.
//
//     npm install standardwebhooks
//     WEBHOOK_SECRET=whsec_… node receiver.mjs
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
/** Data is at most 1 MiB, which base64 makes longer. Whoever knows the URL could send without end. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

const server = createServer(async (request, response) => {
  let body;
  try {
    // The bytes as they came: JSON that was parsed and written again has another signature.
    body = await bytesOf(request);
    webhook.verify(body, request.headers, { jsonParse: false });
  } catch (error) {
    console.error(`refused: ${error.message}`);
    response.writeHead(401).end();
    return;
  }
  // A delivery can come twice, after a crash here or there: then with the same webhook-id.
  console.log(`${request.headers['webhook-id']} ${body}`);
  response.writeHead(204).end();
});

async function bytesOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
