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

/** The kernel library that the others stand on. */
export const LOWEST_KERNEL = '@ordermesh/telemetry';
