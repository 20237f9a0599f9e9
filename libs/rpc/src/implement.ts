import type {
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { CallContext } from './call-context.ts';

/** One function per unary method of a service, under the method's local name. */
export type Handlers<S extends DescService> = {
  readonly [K in keyof S['method']]: S['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: CallContext) => Promise<MessageInitShape<O>>
    : never;
};

/** A service with its handlers, ready for `serveRpc`. */
export interface Implementation {
  readonly service: DescService;
  readonly handlers: Readonly<
    Record<string, (request: never, call: CallContext) => Promise<unknown>>
  >;
}

/**
 * Binds handlers to a service. A request arrives decoded, valid after its proto rules, without U+0000 and with UUIDs in lower case. A
 * ReasonError that a handler throws is what the caller gets; anything else becomes INTERNAL without detail and is logged with its stack.
 */
export function implement<S extends DescService>(
  service: S,
  handlers: Handlers<S>,
): Implementation {
  return { service, handlers: handlers as Implementation['handlers'] };
}
