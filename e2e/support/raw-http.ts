import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Reply } from './api.ts';

/** POSTs a body piece by piece, without Content-Length. */
export async function postChunked(
  url: string,
  headers: Record<string, string>,
  pieces: Iterable<string>,
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const sent = request(url, { method: 'POST', agent: false, headers });
  sent.on('error', reject);
  sent.on('response', (response) => {
    const { statusCode: status = 0, headers: received } = response;
    text(response).then(
      (body) => resolve(reply(status, Object.entries(received) as [string, string][], body)),
      reject,
    );
  });
  for (const piece of pieces) sent.write(piece);
  sent.end();
  return promise;
}

/** Sends bytes on a connection of their own and reads one answer, up to the end of the connection. */
export async function sendBytes(base: string, bytes: string): Promise<Reply> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  socket.write(bytes, 'latin1');
  const [head = '', ...body] = (await text(socket)).split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => line.split(': ', 2) as [string, string]);
  return reply(Number(statusLine.split(' ')[1]), headers, body.join('\r\n\r\n'));
}

function reply(status: number, headers: [string, string][], body: string): Reply {
  return { status, headers: new Headers(headers), body: body === '' ? '' : JSON.parse(body) };
}
