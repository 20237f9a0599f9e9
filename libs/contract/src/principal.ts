/** Who is behind a call, as a verified token says it. */
export interface Principal {
  /** Of a customer its customer id, in lower case; of a process `service:<process>`; else what the issuer calls them. */
  readonly subject: string;
  /** What the token allows, e.g. `orders:read`. Empty for a process. */
  readonly scopes: ReadonlySet<string>;
  /** The process that calls for itself, e.g. `projector`; absent where a user is behind the call. */
  readonly service?: string;
}
