import { rm, writeFile } from 'node:fs/promises';
import { type Authority, authority, issuedFiles, uriOf } from '@ordermesh/testing/certificates';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTransport } from './transport.ts';

let ca: Authority;
beforeAll(async () => {
  ca = await authority();
});

const given = async (...parameters: Parameters<typeof issuedFiles>) => {
  const files = await issuedFiles(...parameters);
  onTestFinished(() => files[Symbol.asyncDispose]());
  return files;
};

/** The lines that the start of the command service ends with. */
async function refusal(settings: Parameters<typeof openTransport>[1]): Promise<readonly string[]> {
  const opened = await openTransport('command', settings).catch((error) => error);
  if (!(opened instanceof Error)) opened[Symbol.dispose]();
  expect(opened).toMatchObject({ name: 'ConfigError' });
  return opened.lines;
}

test('all three files or none', async () => {
  const none = { tlsCaFile: undefined, tlsCertFile: undefined, tlsKeyFile: undefined };
  using transport = await openTransport('command', none);
  expect(transport.server._isSecure()).toBe(false);
  expect(await refusal({ ...none, tlsCaFile: '/a' })).toEqual([
    'TLS_CERT_FILE is not set; TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must be set together, or none of them',
    'TLS_KEY_FILE is not set; TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must be set together, or none of them',
  ]);
});

test.each(['tlsCaFile', 'tlsCertFile', 'tlsKeyFile'] as const)(
  'an absent or malformed %s is one line that shows its name and nothing of its content',
  async (name) => {
    const files = await given(ca.certificate, await ca.issue('command'));
    const secret = '-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n';
    await writeFile(files[name], secret);
    const malformed = await refusal(files);
    expect(malformed).toEqual([expect.stringMatching(/^TLS_\w+ names a file without /)]);
    expect(malformed[0]).toContain(files[name]);
    expect(malformed[0]).not.toContain('c2VjcmV0');
    await rm(files[name]);
    expect(await refusal(files)).toEqual([
      expect.stringMatching(/^TLS_\w+ names a file that can't be read \(ENOENT\): /),
    ]);
  },
);

test('a key that does not fit the certificate', async () => {
  const files = await given(ca.certificate, await ca.issue('command'));
  const { certificate } = await ca.issue('command');
  await writeFile(files.tlsCertFile, certificate);
  expect(await refusal(files)).toEqual([
    expect.stringMatching(/^TLS_KEY_FILE names a key that does not fit .* TLS_CERT_FILE: /),
  ]);
});

test.each([
  ['has expired', { to: new Date(Date.now() - 60_000) }, /expired on \d{4}-.*Z/],
  ['is not valid yet', { from: new Date(Date.now() + 60_000) }, /begins on \d{4}-.*Z/],
])('a certificate that %s', async (_, validity, says) => {
  const files = await given(ca.certificate, await ca.issue('command', validity));
  expect(await refusal(files)).toEqual([expect.stringMatching(says)]);
});

test.each([['query'], ['spiffe://elsewhere/ns/a/sa/command']])(
  'a certificate of %s, for the command service',
  async (identity) => {
    const files = await given(ca.certificate, await ca.issue(identity));
    expect(await refusal(files)).toEqual([
      expect.stringContaining(uriOf('command').replace('test', '<namespace>')),
    ]);
  },
);
