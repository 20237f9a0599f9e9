import {
  readConfig as command,
  readMigrationConfig as migrateCommand,
} from '../../../../apps/command/src/config.ts';
import {
  readConfig as customer,
  readMigrationConfig as migrateCustomer,
} from '../../../../apps/customer/src/config.ts';
import { readConfig as gateway } from '../../../../apps/gateway/src/config.ts';
import { readConfig as issuer } from '../../../../apps/issuer/src/config.ts';
import {
  readMigrationConfig as migrateProjector,
  readConfig as projector,
} from '../../../../apps/projector/src/config.ts';
import { readConfig as query } from '../../../../apps/query/src/config.ts';
import { readProcessSettings } from '../../../../libs/service/src/config.ts';
import { readTelemetryConfig } from '../../../../libs/telemetry/src/config.ts';
import type { ReadConfig } from '../environment-faults.ts';
import { type Manifest, ofKind, readManifests } from './manifest.ts';
import { networkFaults } from './network-faults.ts';
import { policyFaults } from './policy/policy-faults.ts';
import { processFaults } from './process-faults.ts';
import { referenceFaults } from './reference-faults.ts';
import { committed } from './rendering.ts';

/** What is in each cluster: a rendering, with the Secrets that stand beside it. */
export const environments = {
  dev: readManifests(committed('dev')),
  staging: withSecrets('staging'),
  prod: withSecrets('prod'),
};

function withSecrets(name: 'staging' | 'prod'): Manifest[] {
  const secrets = ofKind(readManifests(committed(`${name}-secrets`)), 'ExternalSecret');
  return [...readManifests(committed(name)), ...secrets];
}

const telemetry: ReadConfig = (env) => {
  const { warnings } = readTelemetryConfig(env);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
};

const readers = Object.fromEntries(
  Object.entries<ReadConfig>({
    ...{ gateway, command, query, projector, customer, issuer },
    ...{ 'command migrate': migrateCommand, 'projector migrate': migrateProjector },
    'customer migrate': migrateCustomer,
  }).map(([name, read]) => [name, [read, readProcessSettings, telemetry]]),
);

/** Everything that is wrong with the resources of one cluster, but for their types; one line each. */
export const deploymentFaults = (manifests: readonly Manifest[]): string[] => [
  ...policyFaults(manifests),
  ...referenceFaults(manifests),
  ...networkFaults(manifests),
  ...processFaults(manifests, readers),
];
