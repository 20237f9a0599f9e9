import { isIgnored } from './docker-ignore.ts';
import { execForm, type Instruction, lastStage, pairsOf, readDockerfile } from './dockerfile.ts';

/** Labels that tell which software an image is; the Open Container Initiative's names. */
const LABELS = ['title', 'description', 'licenses', 'version', 'revision'] as const;

const PRELOAD = ['--import', './libs/telemetry/src/register.ts'];

/** Never part of a build's context: secrets, histories, and what npm or a start put there. */
const NEVER_SENT = ['.env', '.git/config', 'node_modules/pg/package.json', '.data/token-key'];

/**
 * What is wrong with the Dockerfile of our processes, beyond what holds for each Dockerfile; one line each.
 * @param args what `--build-arg` says
 */
export function appImageFaults(
  text: string,
  dockerignore: string,
  args: Readonly<Record<string, string>>,
): string[] {
  const instructions = readDockerfile(text, args);
  const image = lastStage(instructions);
  return [
    ...baseFaults(instructions),
    ...image.flatMap(stageFaults),
    ...entryFaults(image),
    ...environmentFaults(image),
    ...labelFaults(image),
    ...secretFaults(instructions),
    ...contextFaults(instructions, dockerignore),
  ];
}

function baseFaults(instructions: readonly Instruction[]): string[] {
  const base = instructions.findLast(({ name }) => name === 'FROM')?.rest ?? '';
  return base.startsWith('gcr.io/distroless/') && base.endsWith(':nonroot')
    ? []
    : [`the last stage is from ${base}: an image without shell and root is wanted`];
}

function stageFaults({ name, rest }: Instruction): string[] {
  if (['RUN', 'SHELL', 'CMD', 'HEALTHCHECK'].includes(name))
    return [`${name} in the last stage: it has no shell, and says all in its ENTRYPOINT`];
  if (name === 'ADD' || (name === 'COPY' && !rest.startsWith('--from=')))
    return [`${name} ${rest}: what gets into the image is assembled before`];
  // Kubernetes' runAsNonRoot takes numbers only, and low ones may be somebody's on the node.
  if (name === 'USER' && Number.parseInt(rest, 10) <= 10_000)
    return [`USER is "${rest}": take a number over 10000`];
  return [];
}

function entryFaults(image: readonly Instruction[]): string[] {
  const entry = execForm(image.find(({ name }) => name === 'ENTRYPOINT')?.rest ?? '');
  if (entry === undefined) return ['there is no ENTRYPOINT in exec form'];
  const [node = '', ...options] = entry;
  const faults = node.startsWith('/') ? [] : [`ENTRYPOINT starts ${node}: give its path`];
  return PRELOAD.every((word, index) => options[index] === word)
    ? faults
    : [...faults, `ENTRYPOINT must begin with ${PRELOAD.join(' ')}`];
}

/** The development issuer starts nowhere else than where somebody says that it may. */
function environmentFaults(image: readonly Instruction[]): string[] {
  const { NODE_ENV } = pairsOf(image, 'ENV');
  return NODE_ENV === 'production' ? [] : [`NODE_ENV is ${NODE_ENV}: it must be production`];
}

function labelFaults(image: readonly Instruction[]): string[] {
  const labels = pairsOf(image, 'LABEL');
  return LABELS.map((label) => `org.opencontainers.image.${label}`)
    .filter((label) => !labels[label])
    .map((label) => `label ${label} is missing`);
}

/** Arguments and environment are in the image's history, for everybody who can pull it. */
function secretFaults(instructions: readonly Instruction[]): string[] {
  return instructions
    .filter(({ name, rest }) => /^(ENV|ARG)$/.test(name) && /PASSWORD|SECRET|TOKEN|KEY/.test(rest))
    .map(({ name, rest }) => `${name} ${rest}: a secret would stay in the image's history`);
}

function contextFaults(instructions: readonly Instruction[], dockerignore: string): string[] {
  const missing = instructions
    .filter(({ name, rest }) => name === 'COPY' && !rest.includes('--from='))
    .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
    .filter((path) => isIgnored(dockerignore, path))
    .map((path) => `COPY ${path}: .dockerignore leaves it out`);
  const sent = NEVER_SENT.filter((path) => !isIgnored(dockerignore, path));
  return [...missing, ...sent.map((path) => `.dockerignore lets ${path} in`)];
}
