import type { ComposeFile, ComposeService } from './compose-file.ts';

/** Addresses in the environment of our processes that lead to no service of the file, or to a port that it does not have; one line each. */
export function addressFaults({ services }: ComposeFile): string[] {
  const known = new Set(Object.entries(services).flatMap(([name, one]) => addressesOf(name, one)));
  return Object.entries(services).flatMap(([name, { build, environment = {} }]) => {
    if (build?.args?.APP === undefined) return [];
    return Object.entries(environment)
      .filter(([variable]) => /_(URL|ADDRESS|BROKERS|ENDPOINT)$/.test(variable))
      .filter(([, value]) => !known.has(hostAndPort(value)))
      .map(([variable, value]) => `${name}: ${variable} leads nowhere: ${hostAndPort(value)}`);
  });
}

/** Where a service can be reached in the project's network: at the ports that it publishes, that its settings name, and that Kafka tells its clients. */
function addressesOf(name: string, { ports = [], environment = {} }: ComposeService): string[] {
  const published = ports.map((port) => port.split(':').at(-1));
  const set = Object.entries(environment).flatMap(([variable, port]) =>
    /^[A-Z]+_PORT$/.test(variable) ? [port] : [],
  );
  const advertised = (environment.KAFKA_ADVERTISED_LISTENERS ?? '')
    .split(',')
    .map((listener) => hostAndPort(listener))
    .filter((address) => address.startsWith(`${name}:`));
  return [...[...published, ...set].map((port) => `${name}:${port}`), ...advertised];
}

/** `postgres:5432` of `postgres://user:password@postgres:5432/db` and of `postgres:5432`. */
function hostAndPort(address: string): string {
  return address
    .replace(/^\w+:\/\//, '')
    .replace(/^.*@/, '')
    .replace(/\/.*$/, '');
}
