import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { parseCidrs } from '../../src/domain/webhook/address.ts';
import { openNameServer } from '../support/dns.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** Allows 127.0.0.1 alone, so that 127.0.0.2 can play the forbidden inside. */
const policy = { allow: parseCidrs(['127.0.0.1/32']) };

/** Something inside, on the port of a receiver that may be called. */
async function openInside(port: number) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(port, '127.0.0.2');
  await once(server, 'listening');
  return {
    get connections() {
      return connections;
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

describe('a name whose answers change between look-ups', () => {
  it('is connected to at the address that was judged, for which it is asked once', async () => {
    await using receiver = await openReceiver();
    using inside = await openInside(receiver.port);
    receiver.answer(status(200, { headers: { connection: 'close' } }));
    // Whoever asked again to connect, after judging, would be led inside.
    await using names = await openNameServer((_name, turn) => [turn % 2 === 0 ? '127.0.0.1' : '127.0.0.2']);
    await using sender = aSender({ policy, lookup: names.lookup });
    const said: string[] = [];
    for (let i = 0; i < 6; i++) {
      said.push(told(await sender.send(aRequest(`http://rebind.example:${receiver.port}/`))));
    }
    const refused =
      'FORBIDDEN_ADDRESS: rebind.example (127.0.0.2) may not be called: 127.0.0.2 is a loopback address';
    assert.deepEqual(said, ['answered 200', refused, 'answered 200', refused, 'answered 200', refused]);
    assert.equal(receiver.connections, 3);
    assert.equal(inside.connections, 0);
    assert.equal(names.asked.filter((each) => each === 'rebind.example A').length, 6);
  });

  it('keeps the connection that was judged, whatever is answered meanwhile', async () => {
    await using receiver = await openReceiver();
    using inside = await openInside(receiver.port);
    await using names = await openNameServer((_name, turn) => [turn === 0 ? '127.0.0.1' : '127.0.0.2']);
    await using sender = aSender({ policy, lookup: names.lookup, originConnectionsMax: 1 });
    for (let i = 0; i < 3; i++) {
      const outcome = await sender.send(aRequest(`http://rebind.example:${receiver.port}/`));
      assert.equal(told(outcome), 'answered 200');
    }
    assert.equal(receiver.connections, 1);
    assert.equal(inside.connections, 0);
    assert.deepEqual(names.asked.toSorted(), ['rebind.example A', 'rebind.example AAAA']);
  });

  it('leads nobody inside when many connect to it at once', async () => {
    await using receiver = await openReceiver();
    using inside = await openInside(receiver.port);
    await using names = await openNameServer((name, turn) =>
      (turn + name.length) % 2 === 0 ? ['127.0.0.1'] : ['127.0.0.1', '127.0.0.2'],
    );
    await using sender = aSender({ policy, lookup: names.lookup });
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        sender.send(aRequest(`http://r${'x'.repeat(i % 12)}.example:${receiver.port}/`)),
      ),
    );
    const kinds = new Set(outcomes.map((outcome) => told(outcome).split(':')[0]));
    assert.deepEqual([...kinds].toSorted(), ['FORBIDDEN_ADDRESS', 'answered 200']);
    assert.equal(inside.connections, 0);
  });

  it('is refused for its forbidden IPv6 address beside an IPv4 one that may be called', async () => {
    await using receiver = await openReceiver();
    await using names = await openNameServer((name) => [
      '127.0.0.1',
      name === 'six.example' ? '::1' : '::ffff:7f00:1',
    ]);
    await using sender = aSender({ policy, lookup: names.lookup });
    for (const name of ['six.example', 'mapped.example']) {
      const outcome = await sender.send(aRequest(`http://${name}:${receiver.port}/`));
      assert.match(told(outcome), /^FORBIDDEN_ADDRESS: \w+\.example \(::/, name);
    }
    assert.equal(receiver.connections, 0);
  });
});
