import 'reflect-metadata'; // before x509, whose containers ask for it
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto as never);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 3_600_000;

/** What is issued, in PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  /** Hexadecimal, upper case, as Node writes it. */
  readonly serialNumber: string;
}

/** An authority of a test. */
export interface Authority {
  /** Its own certificate, in PEM. */
  readonly certificate: string;
  /** A certificate for a process of the mesh, or for any URI; valid for a day unless told otherwise. */
  issue(identity: string, validity?: { readonly from?: Date; readonly to?: Date }): Promise<Issued>;
}

/** The name that a process has in its certificate. */
export const uriOf = (process: string) => `spiffe://ordermesh/ns/test/sa/${process}`;

/** A new one, with a key of its own. */
export async function authority(): Promise<Authority> {
  const keys = await newKeys();
  const name = 'CN=Test';
  const own = await X509CertificateGenerator.createSelfSigned({
    name,
    keys: keys as never,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 10 * dayMs),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    certificate: own.toString('pem'),
    async issue(identity, { from, to } = {}) {
      const subject = await newKeys();
      // Begins with neither a zero, which would be dropped, nor the sign bit.
      const serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
      const issued = await X509CertificateGenerator.create({
        serialNumber,
        subject: 'CN=process',
        issuer: name,
        publicKey: subject.publicKey as never,
        signingKey: keys.privateKey as never,
        signingAlgorithm: algorithm,
        notBefore: from ?? new Date(Date.now() - dayMs / 2),
        notAfter: to ?? new Date(Date.now() + dayMs),
        extensions: [
          new SubjectAlternativeNameExtension([
            { type: 'url', value: identity.includes(':') ? identity : uriOf(identity) },
          ]),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', subject.privateKey);
      return {
        certificate: issued.toString('pem'),
        key: PemConverter.encode(pkcs8, 'PRIVATE KEY'),
        serialNumber: serialNumber.toUpperCase(),
      };
    },
  };
}

async function newKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** What a process is given to speak mutual TLS, in a folder of its own, which disposal removes. */
export interface IssuedFiles extends AsyncDisposable {
  readonly tlsCaFile: string;
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  /** Replaces certificate and key, each in one step. */
  replace(issued: Pick<Issued, 'certificate' | 'key'>): Promise<void>;
}

/** @param trusted certificate of the authority that it trusts, in PEM */
export async function issuedFiles(trusted: string, issued: Issued): Promise<IssuedFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'ordermesh-tls-'));
  const put = async (name: string, text: string) => {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  };
  const replace = async ({ certificate, key }: Pick<Issued, 'certificate' | 'key'>) => {
    await put('tls.key', key);
    await put('tls.crt', certificate);
  };
  await put('ca.crt', trusted);
  await replace(issued);
  return {
    tlsCaFile: join(folder, 'ca.crt'),
    tlsCertFile: join(folder, 'tls.crt'),
    tlsKeyFile: join(folder, 'tls.key'),
    replace,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
