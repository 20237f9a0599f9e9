import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigError, ListenError, listenError, operatorLines } from './startup-error.ts';

const target = { host: '127.0.0.1', port: 50_051, portVariable: 'COMMAND_PORT' };

test('listenError() explains the error of Node and the message of grpc-js', () => {
  const fromNode = Object.assign(new Error('x'), { code: 'EADDRINUSE' });
  const fromGrpc = new Error(
    'No address added out of total 1 resolved errors: [listen EADDRINUSE: address already in use 127.0.0.1:50051]',
  );
  for (const error of [fromNode, fromGrpc]) {
    const explained = listenError(error, target);
    expect(explained).toBeInstanceOf(ListenError);
    expect(explained).toMatchObject({
      lines: ['COMMAND_PORT: 127.0.0.1:50051 is already in use'],
      cause: error,
    });
  }
});

test('listenError() leaves other errors alone', () => {
  const error = new Error('out of memory');
  expect(listenError(error, target)).toBe(error);
});

test('an address that is not of this machine points at HOST', async () => {
  const server = createServer();
  const error = await new Promise((resolve) => {
    server.once('error', resolve).listen(1, '192.0.2.1');
  });
  expect(listenError(error, { ...target, host: '192.0.2.1', port: 1 })).toMatchObject({
    lines: [
      expect.stringMatching(/^COMMAND_PORT: 192\.0\.2\.1:1 (is not an address|may not be used)/),
    ],
  });
});

test('operatorLines() knows StartupError and whatever carries lines, and nothing else', () => {
  const foreign = Object.assign(new Error('x'), { lines: ['SCHEMA is too old'] });
  expect(operatorLines(new ConfigError(['A is not set', 'B is not set']))).toEqual([
    'A is not set',
    'B is not set',
  ]);
  expect(operatorLines(foreign)).toEqual(['SCHEMA is too old']);
  for (const other of [new Error('x'), { lines: ['x'] }, undefined])
    expect(operatorLines(other)).toBeUndefined();
});
