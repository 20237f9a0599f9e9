import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ReasonError } from '@ordermesh/contract';
import { problemOf } from './problem.ts';

/** What Node refuses before there is a request: code to status and sentence. */
const refusals: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request target and the header fields are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};

/** Answers bytes that are no HTTP request, or too many or too slow ones, and closes the connection. For `clientError`. */
export function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = refusals[error.code ?? ''] ?? [400, 'This is not an HTTP request.'];
  const { headers, body } = problemOf(new ReasonError('INVALID_REQUEST', detail), {
    instance: '',
    traceId: undefined,
    conditional: false,
    status,
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
