/** The processes that call each other. */
export type MeshProcess = 'gateway' | 'command' | 'query' | 'projector' | 'customer';

const ours = /^spiffe:\/\/ordermesh\/ns\/[a-z0-9-]+\/sa\/([a-z0-9-]+)$/;

/**
 * The process that a certificate was issued to: `command` for the URI name `spiffe://ordermesh/ns/<any namespace>/sa/command`. As SPIFFE has it, that
 * name is the certificate's only URI.
 * @param alternativeNames as Node writes them, `URI:…, DNS:…`
 * @returns undefined for a certificate of any other trust domain, or without an identity
 */
export function identityOf(alternativeNames: string | undefined): string | undefined {
  // Node quotes a name that holds a comma, lest it pass for several; no name of ours has one.
  if (alternativeNames === undefined || alternativeNames.includes('"')) return undefined;
  const uris = alternativeNames.split(', ').filter((name) => name.startsWith('URI:'));
  return uris.length === 1 ? ours.exec((uris[0] as string).slice('URI:'.length))?.[1] : undefined;
}
