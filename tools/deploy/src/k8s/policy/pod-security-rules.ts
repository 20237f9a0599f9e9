import { faultsWhere, forContainers, forWorkloads, type Rule } from './rule.ts';

/** Volumes that Pod Security `restricted` allows. */
const allowedVolumes = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral'],
  ...['persistentVolumeClaim', 'projected', 'secret'],
];

/** Ids from here on belong to nobody on a node. */
const firstFreeId = 10_001;

const pods: Rule = forWorkloads(({ template: { spec } }) => {
  const security = spec.securityContext ?? {};
  const volumes: Record<string, unknown>[] = spec.volumes ?? [];
  return [
    ...faultsWhere(
      [spec.hostNetwork === true, 'shares the network of its node'],
      [spec.hostPID === true, 'shares the processes of its node'],
      [spec.hostIPC === true, 'shares the memory of its node'],
      [spec.shareProcessNamespace === true, 'shares processes between containers'],
      [security.runAsNonRoot !== true, 'may run as root: runAsNonRoot is not true'],
      [!(security.runAsUser >= firstFreeId), `runAsUser is ${security.runAsUser}, not over 10000`],
      [
        !(security.runAsGroup >= firstFreeId),
        `runAsGroup is ${security.runAsGroup}, not over 10000`,
      ],
      [security.seccompProfile?.type !== 'RuntimeDefault', 'seccompProfile is not RuntimeDefault'],
      [security.sysctls !== undefined, 'sets sysctls'],
      [spec.automountServiceAccountToken !== false, 'mounts a token of the API server'],
      [spec.enableServiceLinks !== false, 'gets the addresses of all Services as environment'],
      [spec.hostAliases !== undefined, 'writes its own /etc/hosts'],
    ),
    ...volumes.flatMap(({ name, ...source }) =>
      Object.keys(source)
        .filter((type) => !allowedVolumes.includes(type))
        .map((type) => `volume ${name} is of type ${type}`),
    ),
  ];
});

const containers: Rule = forContainers((container) => {
  const security = container.securityContext ?? {};
  const ports: { containerPort: number; hostPort?: number }[] = container.ports ?? [];
  return faultsWhere(
    [security.allowPrivilegeEscalation !== false, 'may gain privileges'],
    [security.privileged === true, 'is privileged'],
    [security.readOnlyRootFilesystem !== true, 'can write to its image'],
    [JSON.stringify(security.capabilities?.drop) !== '["ALL"]', 'does not drop all capabilities'],
    [security.capabilities?.add !== undefined, 'adds capabilities'],
    [security.procMount !== undefined, 'has a /proc of its own'],
    [
      security.runAsNonRoot === false || security.runAsUser < firstFreeId,
      'overrides the pod’s user',
    ],
    [
      security.seccompProfile !== undefined && security.seccompProfile.type !== 'RuntimeDefault',
      'overrides the pod’s seccomp profile',
    ],
    [ports.some(({ hostPort }) => hostPort !== undefined), 'takes a port of its node'],
    [ports.some(({ containerPort }) => containerPort < 1024), 'listens on a privileged port'],
  );
});

/** Pod Security `restricted`, and what kube-score, kube-linter and polaris ask beyond it. */
export const podSecurityRules: readonly Rule[] = [pods, containers];
