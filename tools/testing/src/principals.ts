/** Metadata entry in which a test says who calls; no process of the mesh reads it. */
const header = 'test-principal';

/** Of a call's context what is needed and replaced here. */
interface Call {
  readonly caller: { readonly subject: string };
  metadata(name: string): readonly string[];
}

type Handlers<C extends Call> = Readonly<
  Record<string, (request: never, call: C) => Promise<unknown>>
>;

/**
 * A service whose handlers find the caller's principal in their context, as they do behind verified tokens: who calls is what the test says with
 * {@link callingAs}. Without it authentication is off.
 */
export function withPrincipals<C extends Call, S extends { readonly handlers: Handlers<C> }>(
  service: S & { readonly handlers: Handlers<C> },
): S {
  const handlers = Object.entries(service.handlers).map(([name, handle]) => [
    name,
    (request: never, call: C) => {
      const [said] = call.metadata(header);
      if (said === undefined) return handle(request, call);
      const { subject, scopes } = JSON.parse(said) as { subject: string; scopes: string[] };
      const caller = { ...call.caller, subject };
      return handle(request, { ...call, caller, principal: { subject, scopes: new Set(scopes) } });
    },
  ]);
  return { ...service, handlers: Object.fromEntries(handlers) };
}

/**
 * Metadata of a call to a service {@link withPrincipals}.
 * @param subject a customer id, or the name of somebody else
 */
export const callingAs = (subject: string, ...scopes: readonly string[]) => ({
  [header]: JSON.stringify({ subject, scopes }),
});
