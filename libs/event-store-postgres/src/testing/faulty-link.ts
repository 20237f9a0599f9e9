import { connect, createServer, type Socket } from 'node:net';

/** A TCP link to a server that a test can damage. */
export interface FaultyLink extends AsyncDisposable {
  /** The server's URL, through the link. */
  readonly url: string;
  /** Connections so far. */
  connections(): number;
  /** Cuts each connection after so many bytes, of both directions together; asked once per connection, from now on. Infinity: never. */
  cutAfter(bytes: () => number): void;
  /** The next answer of the server arrives as bytes that are no message. */
  garbleAnswer(): void;
  /** The clients' ends of all connections break now; the server's stay, so that it does not know. */
  cutClients(): void;
  /** From now on nothing goes through, nor is anything lost, in these directions; new connections are accepted and hear nothing. */
  freeze(direction: 'both' | 'answers'): void;
  /** Delivers what was held back and goes on. */
  thaw(): void;
}

interface Wire {
  readonly client: Socket;
  readonly server: Socket;
}

/** A link without faults, on a port of its own. */
export async function faultyLink(serverUrl: string): Promise<FaultyLink> {
  const target = new URL(serverUrl);
  const wires = new Set<Wire>();
  let frozen: 'both' | 'answers' | 'nothing' = 'nothing';
  let nextCut = () => Number.POSITIVE_INFINITY;
  let isGarbling = false;
  let count = 0;
  const holdBack = ({ client, server }: Wire) => {
    if (frozen === 'both') client.pause();
    if (frozen !== 'nothing') server.pause();
  };
  const proxy = createServer((client) => {
    const wire = { client, server: connect(Number(target.port), target.hostname) };
    const { server } = wire;
    wires.add(wire);
    count++;
    let left = nextCut();
    const forward = (to: Socket) => (bytes: Buffer) => {
      if (bytes.length <= left) to.write(bytes);
      else to.end(bytes.subarray(0, left), () => [client, server].map((end) => end.destroy()));
      left = Math.max(0, left - bytes.length);
    };
    client.on('data', forward(server)).on('error', () => undefined);
    const answer = forward(client);
    server
      .on('data', (bytes: Buffer) => {
        answer(isGarbling ? Buffer.alloc(bytes.length) : bytes);
        isGarbling = false;
      })
      .on('error', () => undefined);
    client.on('end', () => server.end());
    server.on('close', () => client.destroy());
    holdBack(wire);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: url.href,
    connections: () => count,
    cutAfter(bytes) {
      nextCut = bytes;
    },
    garbleAnswer() {
      isGarbling = true;
    },
    cutClients() {
      for (const { client } of wires) client.destroy();
    },
    freeze(direction) {
      frozen = direction;
      for (const wire of wires) holdBack(wire);
    },
    thaw() {
      frozen = 'nothing';
      for (const { client, server } of wires) {
        client.resume();
        server.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { client, server } of wires) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
