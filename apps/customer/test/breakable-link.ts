import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP link to a server that a test can break and mend. */
export interface BreakableLink extends AsyncDisposable {
  /** The server's URL, through the link. */
  readonly url: string;
  /** Cuts all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Takes connections but passes nothing on any more, old ones included: a host that vanished. */
  silence(): void;
  /** Works again; connections made while silent are cut. */
  mend(): Promise<void>;
}

/** Opens a working link to the server of `target`. */
export async function breakableLink(target: string): Promise<BreakableLink> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let silent = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    keep(near);
    if (silent) return;
    const far = connect(Number(port), hostname);
    keep(far);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  const listen = (on: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject).listen(on, '127.0.0.1', resolve);
    return promise;
  };
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    destroyAll();
    await closed;
  };
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(own);
  return {
    url: url.href,
    cut,
    silence() {
      silent = true;
      for (const socket of sockets) socket.unpipe();
    },
    async mend() {
      silent = false;
      destroyAll();
      if (!server.listening) await listen(own);
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await cut();
    },
  };
}
