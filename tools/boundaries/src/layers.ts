/** The layers of ARCHITECTURE.md. A project has exactly one, as its tag `layer:<name>`. */
export const LAYERS = ['app', 'adapter', 'kernel', 'domain', 'contract', 'tool'] as const;
export type Layer = (typeof LAYERS)[number];

/** The sides of CQRS, as the tag `scope:<name>`. */
export const SCOPES = ['write', 'read', 'shared'] as const;
export type Scope = (typeof SCOPES)[number];

/** Which layers a layer may use. Kernel libraries use one kernel library only: {@link LOWEST_KERNEL}. */
export const MAY_USE: Readonly<Record<Layer, readonly Layer[]>> = {
  app: ['adapter', 'kernel', 'domain', 'contract'],
  adapter: ['kernel', 'contract'],
  kernel: ['kernel'],
  domain: [],
  contract: [],
  tool: LAYERS,
};

/** Which layers the tests of a layer may use besides, declared in `devDependencies`: the domain's deciders are told with the kit of `event-sourcing/testing`. */
export const TESTS_MAY_USE: Readonly<Partial<Record<Layer, readonly Layer[]>>> = {
  domain: ['kernel'],
};

/** The kernel library that the others stand on. */
export const LOWEST_KERNEL = '@ordermesh/telemetry';
