// Receives webhooks and believes only those that are genuine.
//
//     npm install standardwebhooks
//     WEBHOOK_SECRET=whsec_… node receiver.mjs
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

const server = createServer(async (request, response) => {
  let event;
  try {
    // The bytes as they came: JSON that was parsed and written again has another signature.
    const body = Buffer.concat(await request.toArray());
    event = webhook.verify(body, request.headers);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    response.writeHead(401).end();
    return;
  }
  // A delivery can come twice, after a crash here or there: then with the same webhook-id.
  console.log(`${request.headers['webhook-id']} ${event.type} ${JSON.stringify(event.data)}`);
  response.writeHead(204).end();
});

server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
