import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@ordermesh/service';
import { identityOf, type MeshProcess } from './identity.ts';

/** Where the certificate of a process, its key, and the authorities that it trusts are; PEM. */
export interface CertificateFiles {
  readonly tlsCaFile: string;
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
}

/** Their contents, checked: the key belongs to the certificate, which is valid now and issued to this process. */
export interface Certificates {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly serialNumber: string;
  readonly validTo: Date;
}

/** The variables, in the order of {@link CertificateFiles}. */
const variables = {
  tlsCaFile: 'TLS_CA_FILE',
  tlsCertFile: 'TLS_CERT_FILE',
  tlsKeyFile: 'TLS_KEY_FILE',
} as const;

/**
 * All three files, or undefined when none is set.
 * @throws ConfigError when only some of them are
 */
export function certificateFiles(
  files: Readonly<Record<keyof CertificateFiles, string | undefined>>,
): CertificateFiles | undefined {
  const names = Object.keys(variables) as (keyof CertificateFiles)[];
  const missing = names.filter((name) => files[name] === undefined);
  if (missing.length === names.length) return undefined;
  if (missing.length === 0) return files as CertificateFiles;
  throw new ConfigError(
    missing.map(
      (name) =>
        `${variables[name]} is not set; TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE must be set together, or none of them`,
    ),
  );
}

/**
 * Reads and checks the files of `process`.
 * @throws ConfigError with one line that names the variable and the file, and shows nothing of its content
 */
export async function readCertificates(
  files: CertificateFiles,
  process: MeshProcess,
): Promise<Certificates> {
  const [ca, certificate, privateKey] = await Promise.all([
    read(files, 'tlsCaFile'),
    read(files, 'tlsCertFile'),
    read(files, 'tlsKeyFile'),
  ]);
  const refuse = (name: keyof CertificateFiles, what: string) =>
    new ConfigError([`${variables[name]} ${what}: ${JSON.stringify(files[name])}`]);
  if (parsed(ca) === undefined)
    throw refuse('tlsCaFile', 'names a file without certificates in PEM form');
  const own = parsed(certificate);
  if (own === undefined)
    throw refuse('tlsCertFile', 'names a file without a certificate in PEM form');
  const key = parsedKey(privateKey);
  if (key === undefined)
    throw refuse('tlsKeyFile', 'names a file without a private key in PEM form, not encrypted');
  if (!own.checkPrivateKey(key))
    throw refuse('tlsKeyFile', 'names a key that does not fit the certificate of TLS_CERT_FILE');
  if (own.validToDate.getTime() <= Date.now())
    throw refuse('tlsCertFile', `names a certificate that expired on ${iso(own.validToDate)}`);
  if (own.validFromDate.getTime() > Date.now())
    throw refuse('tlsCertFile', `names a certificate that begins on ${iso(own.validFromDate)}`);
  if (identityOf(own.subjectAltName) !== process)
    throw refuse(
      'tlsCertFile',
      `names a certificate that is not for spiffe://ordermesh/ns/<namespace>/sa/${process} alone`,
    );
  const { serialNumber, validToDate: validTo } = own;
  return { ca, certificate, privateKey, serialNumber, validTo };
}

async function read(files: CertificateFiles, name: keyof CertificateFiles): Promise<Buffer> {
  try {
    return await readFile(files[name]);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    const line = `${variables[name]} names a file that can't be read (${why}): ${JSON.stringify(files[name])}`;
    throw new ConfigError([line], { cause: error });
  }
}

/** The first of the certificates in a file, when there is one and all are well-formed. */
function parsed(pem: Buffer): X509Certificate | undefined {
  const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
  try {
    return pem
      .toString('latin1')
      .match(block)
      ?.map((one) => new X509Certificate(one))[0];
  } catch {
    return undefined;
  }
}

function parsedKey(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

const iso = (date: Date): string => date.toISOString();
