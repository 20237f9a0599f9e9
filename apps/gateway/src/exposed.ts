import {
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  hasOption,
} from '@bufbuild/protobuf';
import {
  CustomerService,
  httpRule,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';

/** The services that have something to say to the outside. A method is reachable only if it is also annotated. */
export const exposedServices: readonly DescService[] = [
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
  CustomerService,
];

/**
 * The methods that the gateway offers, over REST, Connect and gRPC-Web alike: those with a `google.api.http` annotation. The annotation is
 * the one switch, so that a method added for the mesh (`BatchGetCustomers`) stays inside unless someone writes down its route.
 * @throws Error if an annotated method streams
 */
export function exposedMethods(services: readonly DescService[]): readonly DescMethodUnary[] {
  return services.flatMap((service) => service.methods).filter(isRouted);
}

function isRouted(method: DescMethod): method is DescMethodUnary {
  if (!hasOption(method, httpRule)) return false;
  if (method.methodKind === 'unary') return true;
  throw new Error(`${method} must be unary to have a route`);
}
