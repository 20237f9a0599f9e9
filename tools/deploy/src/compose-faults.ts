import type { ComposeFile, ComposeService } from './compose-file.ts';
import { imageFault } from './image-fault.ts';

/** What a compose file of ours must not do although the specification allows it; one line each. */
export function composeFaults({ services, volumes = {} }: ComposeFile): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    [
      ...originFaults(service),
      ...healthFaults(service),
      ...networkFaults(name, service),
      ...dependencyFaults(service, services),
      ...volumeFaults(service, volumes),
    ].map((fault) => `${name}: ${fault}`),
  );
}

function originFaults({ image, build }: ComposeService): string[] {
  if (image === undefined) return build ? [] : ['has neither image nor build'];
  const fault = imageFault(image);
  return fault === undefined ? [] : [fault];
}

function healthFaults({ healthcheck }: ComposeService): string[] {
  const { test, disable } = healthcheck ?? {};
  const isOff = test === undefined || disable === true || test.length === 0 || test[0] === 'NONE';
  return isOff ? ['has no health check: --wait would not wait for it'] : [];
}

/** Of the processes only these are for who is outside. */
const published = ['gateway', 'issuer'];

/** The engines have no or a known password, and the issuer gives anybody any token. */
function networkFaults(
  name: string,
  { ports = [], network_mode, build }: ComposeService,
): string[] {
  const faults = ports
    .filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))
    .map((port) => `port ${port} is not published as 127.0.0.1:HOST:CONTAINER`);
  if (network_mode !== undefined) faults.push(`leaves the project's network for ${network_mode}`);
  if (build?.args?.APP !== undefined && ports.length > 0 && !published.includes(name))
    faults.push('publishes a port, which only gateway and issuer may');
  return faults;
}

function dependencyFaults(
  { depends_on = {} }: ComposeService,
  services: ComposeFile['services'],
): string[] {
  return Object.entries(depends_on).flatMap(([name, { condition }]) => {
    if (!(name in services)) return [`depends on ${name}, which is no service`];
    return condition === 'service_healthy' ? [] : [`waits for ${name} to be ${condition}`];
  });
}

function volumeFaults({ volumes = [] }: ComposeService, declared: object): string[] {
  return volumes
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => !(source in declared))
    .map((source) => `volume ${source} is not declared`);
}
