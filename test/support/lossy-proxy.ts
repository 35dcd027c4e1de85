import { createServer, connect as dial, type Socket } from 'node:net';

/** Between a client and a server: it can break connections, at a place that matters too. */
export interface LossyProxy extends AsyncDisposable {
  readonly port: number;
  /** Breaks all connections, and lets nobody through until `mend`. */
  cut(): void;
  mend(): void;
  /** Passes nothing on any more on the connections that there are, and does not break them: new ones are served. */
  stall(): void;
  /**
   * Breaks the connection over the next message of the client in which this text is: before it reaches the server, or
   * after the server has answered, so that only the answer is lost. Resolves once it is broken.
   */
  breakAt(text: string, when: 'BEFORE' | 'AFTER'): Promise<void>;
  /** Stalls the connection over that message: the server does what it says, and its answer never comes. */
  stallAt(text: string): Promise<void>;
}

interface Trap {
  readonly text: string;
  readonly when: 'BEFORE' | 'AFTER';
  readonly stalls: boolean;
  readonly sprung: () => void;
}

export async function lossyProxy(host: string, port: number): Promise<LossyProxy> {
  const open = new Set<Socket>();
  const stalled = new Set<Socket>();
  let isCut = false;
  let trap: Trap | undefined;

  const proxy = createServer((client) => {
    if (isCut) return void client.destroy();
    const server = dial(port, host);
    const both = [client, server];
    const end = (): void => {
      for (const socket of both) {
        open.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of both) {
      open.add(socket);
      socket.on('error', end);
      socket.on('close', end);
    }
    let onAnswer: ((data: Uint8Array) => void) | undefined;
    const passes = (): boolean => !stalled.has(client);
    client.on('data', (data) => {
      if (!passes()) return;
      const caught = trap !== undefined && data.includes(trap.text) ? trap : undefined;
      if (caught === undefined) return void server.write(data);
      trap = undefined;
      const spring = (): void => {
        if (caught.stalls) stalled.add(client);
        else end();
        caught.sprung();
      };
      if (caught.when === 'BEFORE') return spring();
      // ReadyForQuery, in no transaction: the server has done what it was asked.
      onAnswer = (answer) => void (IDLE.equals(answer.subarray(-6)) && spring());
      server.write(data);
    });
    server.on('data', (data) => {
      if (!passes()) return;
      if (onAnswer === undefined) client.write(data);
      else onAnswer(typeof data === 'string' ? Buffer.from(data) : data);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();

  function cut(): void {
    isCut = true;
    for (const socket of open) socket.destroy();
  }

  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    mend() {
      isCut = false;
    },
    stall() {
      for (const socket of open) stalled.add(socket);
    },
    breakAt: (text, when) =>
      new Promise((sprung) => {
        trap = { text, when, stalls: false, sprung };
      }),
    stallAt: (text) =>
      new Promise((sprung) => {
        trap = { text, when: 'AFTER', stalls: true, sprung };
      }),
    [Symbol.asyncDispose]() {
      cut();
      return new Promise((resolve) => proxy.close(() => resolve()));
    },
  };
}

const IDLE = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
