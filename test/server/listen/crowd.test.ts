import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createCrowd } from '../../../src/server/listen/crowd.ts';
import { closed } from '../../support/listener.ts';

describe('A port with as many connections as it takes', () => {
  const clients: Socket[] = [];
  const server = createServer();
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => {
    for (const client of clients) client.destroy();
    server.close();
  });

  const crowdOf = (max: number, isBusy: (socket: Socket) => boolean) =>
    createCrowd(max, { isBusy, close: (socket) => void socket.destroy() });

  /** The server's end of a new connection from an address of loopback. */
  async function from(localAddress: string): Promise<Socket> {
    const { port } = server.address() as { port: number };
    const accepted = once(server, 'connection');
    clients.push(connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {}));
    const [socket] = (await accepted) as [Socket];
    return socket;
  }

  it('closes one that does nothing, the oldest of the address that has most', async () => {
    const crowd = crowdOf(4, () => false);
    const good = await from('127.0.0.2');
    const bad = [await from('127.0.0.3'), await from('127.0.0.3'), await from('127.0.0.3')];
    for (const socket of [good, ...bad]) assert.ok(crowd.enter(socket));
    const another = await from('127.0.0.4');
    assert.ok(crowd.enter(another));
    assert.ok(crowd.enter(await from('127.0.0.3')));
    await Promise.all([closed(bad[0]!), closed(bad[1]!)]);
    assert.deepEqual(
      [good, another, bad[2]!].map((socket) => socket.destroyed),
      [false, false, false],
    );
    assert.equal([...crowd.sockets()].length, 4);
  });

  it('closes one of another address where those of the one that has most are busy', async () => {
    const busy = new Set<Socket>();
    const crowd = crowdOf(4, (socket) => busy.has(socket));
    const atWork = [await from('127.0.0.2'), await from('127.0.0.2'), await from('127.0.0.3')];
    for (const socket of atWork) {
      busy.add(socket);
      crowd.enter(socket);
    }
    const idle = await from('127.0.0.4');
    crowd.enter(idle);
    assert.ok(crowd.enter(await from('127.0.0.5')));
    assert.ok(idle.destroyed);
    assert.ok(atWork.every((socket) => !socket.destroyed));
  });

  it('closes a busy one of an address that has more than half, for others only', async () => {
    const crowd = crowdOf(4, () => true);
    const good = await from('127.0.0.2');
    const bad = [await from('127.0.0.3'), await from('127.0.0.3'), await from('127.0.0.3')];
    for (const socket of [good, ...bad]) assert.ok(crowd.enter(socket));
    assert.equal(crowd.enter(await from('127.0.0.3')), false);
    assert.ok(crowd.enter(await from('127.0.0.2')));
    assert.equal(bad.filter((socket) => socket.destroyed).length, 1);
    assert.equal(crowd.enter(await from('127.0.0.4')), false);
    assert.equal(good.destroyed, false);
  });

  it('passes by those that are busy, and lets nobody in when all are', async () => {
    const busy = new Set<Socket>();
    const crowd = crowdOf(3, (socket) => busy.has(socket));
    const [first, second, third] = [
      await from('127.0.0.2'),
      await from('127.0.0.2'),
      await from('127.0.0.2'),
    ];
    for (const socket of [first, second, third]) crowd.enter(socket);
    busy.add(first).add(second);
    const fourth = await from('127.0.0.2');
    assert.ok(crowd.enter(fourth));
    assert.ok(third.destroyed);
    busy.add(fourth);
    assert.equal(crowd.enter(await from('127.0.0.2')), false);
    first.destroy();
    await closed(first);
    assert.ok(crowd.enter(await from('127.0.0.2')));
  });
});
