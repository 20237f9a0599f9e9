import type { ComposeFile, ComposeService } from './compose-file.ts';
import { imageFault } from './image-fault.ts';

/** What a compose file of ours must not do although the specification allows it; one line each. */
export function composeFaults({ services, volumes = {} }: ComposeFile): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    [
      ...originFaults(service),
      ...healthFaults(service),
      ...portFaults(service),
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

/** Nobody authenticates callers, and the engines have no or a known password. */
function portFaults({ ports = [], network_mode, environment = {} }: ComposeService): string[] {
  const open = ports
    .filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))
    .map((port) => `port ${port} is not published as 127.0.0.1:HOST:CONTAINER`);
  if (network_mode !== 'host') return open;
  return environment.HOST === '127.0.0.1'
    ? open
    : [...open, 'is in the network of the host and does not listen on HOST 127.0.0.1 alone'];
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
