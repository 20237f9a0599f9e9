import type { experimental } from '@grpc/grpc-js';
import { type Logger, logger, observeGauge } from '@ordermesh/telemetry';
import type { Certificates } from './certificate-files.ts';

/** The latest usable certificates of a process, for both sides of grpc-js. Disposal ends the watch. */
export interface CertificateWatch extends Disposable {
  readonly provider: experimental.CertificateProvider;
}

/** Options of {@link watchCertificates}. */
export interface WatchOptions {
  /** Milliseconds from one look to the next; default 2,000: a mounted secret follows its source within a minute, so this adds nothing. */
  readonly everyMs?: number;
  readonly log?: Pick<Logger, 'info' | 'error'>;
}

/**
 * Looks at the certificates again and again, and hands changed ones on to all listeners at once, for connections to come. While they cannot be used the former
 * ones stay in use, which is reported once; not at the first such look, since whoever replaces three files one after the other passes through states that do not fit.
 *
 * grpc-js's own FileWatcherCertificateProvider serves whatever it reads: an unreadable file leaves the server without any certificate.
 *
 * Reads, because a watch of the folder misses what Kubernetes does to it: the files are links through a link that is swapped. A look costs 0.3 ms.
 */
export function watchCertificates(
  first: Certificates,
  read: () => Promise<Certificates>,
  { everyMs = 2_000, log = logger('rpc') }: WatchOptions = {},
): CertificateWatch {
  let current = first;
  let fault: { readonly message: string; readonly said: boolean } | undefined;
  let stopped = false;
  const caListeners = new Set<experimental.CaCertificateUpdateListener>();
  const identityListeners = new Set<experimental.IdentityCertificateUpdateListener>();
  const expiry = observeGauge(
    'ordermesh.tls.certificate.expiry',
    { description: 'Time until the certificate that is in use expires.', unit: 's' },
    (report) => report((current.validTo.getTime() - Date.now()) / 1000),
  );

  const look = async () => {
    try {
      const found = await read();
      fault = undefined;
      if (stopped || isSame(found, current)) return;
      current = found;
      for (const listener of identityListeners) listener(current);
      for (const listener of caListeners) listener({ caCertificate: current.ca });
      const { serialNumber, validTo } = current;
      log.info({ serialNumber, validTo }, 'certificate replaced');
    } catch (err) {
      const { message } = err as Error;
      const again = fault?.message === message;
      if (again && !fault?.said)
        log.error({ err }, 'certificate cannot be replaced; the former one stays in use');
      fault = { message, said: again };
    }
  };
  const next = (): NodeJS.Timeout =>
    setTimeout(() => {
      void look().then(() => {
        if (!stopped) timer = next();
      });
    }, everyMs).unref();
  let timer = next();

  return {
    provider: {
      addCaCertificateListener(listener) {
        caListeners.add(listener);
        process.nextTick(() => listener({ caCertificate: current.ca }));
      },
      removeCaCertificateListener: (listener) => void caListeners.delete(listener),
      addIdentityCertificateListener(listener) {
        identityListeners.add(listener);
        process.nextTick(() => listener(current));
      },
      removeIdentityCertificateListener: (listener) => void identityListeners.delete(listener),
    },
    [Symbol.dispose]() {
      stopped = true;
      clearTimeout(timer);
      expiry[Symbol.dispose]();
    },
  };
}

function isSame(a: Certificates, b: Certificates): boolean {
  return (
    a.ca.equals(b.ca) && a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey)
  );
}
