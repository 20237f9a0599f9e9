import { idOf, type Manifest, ofKind } from '../manifest.ts';
import { isGrpc, podLabels, workloadsOf } from '../workloads.ts';
import { faultsWhere, type Rule } from './rule.ts';

const clusterWide = [
  ...['Namespace', 'PriorityClass'],
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
];

const namespace: Rule = (manifests) => {
  const found = ofKind(manifests, 'Namespace');
  const labels = found[0]?.metadata.labels ?? {};
  const levels = ['enforce', 'audit', 'warn'].filter(
    (mode) =>
      labels[`pod-security.kubernetes.io/${mode}`] !== 'restricted' ||
      labels[`pod-security.kubernetes.io/${mode}-version`] === undefined,
  );
  return [
    ...faultsWhere(
      [found.length !== 1, `${found.length} namespaces`],
      [ofKind(manifests, 'ResourceQuota').length !== 1, 'no quota'],
      [ofKind(manifests, 'LimitRange').length !== 1, 'no limit range'],
    ),
    ...levels.map((mode) => `Namespace: pod security does not ${mode} restricted`),
    ...manifests
      .filter(
        ({ kind, metadata }) =>
          !clusterWide.includes(kind) && metadata.namespace !== found[0]?.metadata.name,
      )
      .map((manifest) => `${idOf(manifest)} is in namespace ${manifest.metadata.namespace}`),
  ];
};

const unique: Rule = (manifests) => {
  const ids = manifests.map((manifest) => `${manifest.apiVersion} ${idOf(manifest)}`);
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} exists twice`);
};

const commonLabels = ['name', 'component', 'part-of', 'version'].map(
  (name) => `app.kubernetes.io/${name}`,
);

const labels: Rule = (manifests) =>
  workloadsOf(manifests).flatMap((workload) =>
    [workload.manifest.metadata.labels ?? {}, podLabels(workload)].flatMap((found, index) =>
      commonLabels
        .filter((label) => found[label] === undefined)
        .map((label) => `${workload.id}: ${index === 0 ? 'it lacks' : 'its pods lack'} ${label}`),
    ),
  );

const services: Rule = (manifests) =>
  ofKind(manifests, 'Service').flatMap((service) => {
    const { metadata, spec } = service;
    const protocols = (spec.ports as { appProtocol?: string }[]).map((port) => port.appProtocol);
    return faultsWhere(
      [(spec.type ?? 'ClusterIP') !== 'ClusterIP', `is of type ${spec.type}`],
      [spec.externalIPs !== undefined, 'takes addresses from outside'],
      [isGrpc(service) && spec.clusterIP !== 'None', 'is not headless: its clients cannot balance'],
      // Whether it is TLS is said by the environment of the pods, and so differs between overlays.
      [protocols.includes('kubernetes.io/h2c'), 'says that it speaks without TLS'],
    ).map((fault) => `Service/${metadata.name}: ${fault}`);
  });

/** Nobody in the namespace may ask the API server for anything; who needs to brings an operator's account. */
const rights: Rule = (manifests) => [
  ...ofKind(manifests, 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding').map(
    (manifest) => `${idOf(manifest)} gives rights on the cluster`,
  ),
  ...ofKind(manifests, 'ServiceAccount')
    .filter((account: Manifest) => account.automountServiceAccountToken !== false)
    .map((account) => `${idOf(account)} hands out its token`),
];

/** A process keeps what it read at its start: a Secret that changes by itself parts the pods before from those after. */
const secrets: Rule = (manifests) =>
  ofKind(manifests, 'ExternalSecret')
    .filter(({ spec }) => spec.refreshPolicy !== 'OnChange')
    .map((secret) => `${idOf(secret)} changes by itself, or never`);

const admission: Rule = (manifests) => {
  const bindings = ofKind(manifests, 'ValidatingAdmissionPolicyBinding');
  return ofKind(manifests, 'ValidatingAdmissionPolicy').flatMap(({ metadata, spec }) => {
    const binding = bindings.find(({ spec: bound }) => bound.policyName === metadata.name);
    return faultsWhere(
      [!binding?.spec.validationActions.includes('Deny'), 'is bound nowhere, or denies nothing'],
      [spec.failurePolicy !== 'Fail', 'lets everything in when it fails'],
    ).map((fault) => `ValidatingAdmissionPolicy/${metadata.name}: ${fault}`);
  });
};

/** The way in from outside is TLS; plain HTTP is only redirected. */
const gateways: Rule = (manifests) =>
  ofKind(manifests, 'Gateway').flatMap(({ metadata, spec }) =>
    (spec.listeners as { name: string; protocol: string; tls?: object }[]).flatMap((listener) => {
      const routes = ofKind(manifests, 'HTTPRoute').filter((route) =>
        route.spec.parentRefs.some(
          (parent: { name: string; sectionName?: string }) =>
            parent.name === metadata.name &&
            (parent.sectionName ?? listener.name) === listener.name,
        ),
      );
      const serves = routes.some(({ spec: { rules } }) =>
        rules.some((rule: { backendRefs?: object[] }) => rule.backendRefs !== undefined),
      );
      return faultsWhere(
        [listener.protocol === 'HTTP' && serves, `listener ${listener.name} answers without TLS`],
        [routes.length === 0, `listener ${listener.name} has no route`],
      ).map((fault) => `Gateway/${metadata.name}: ${fault}`);
    }),
  );

/** What the namespace as a whole promises. */
export const namespaceRules: readonly Rule[] = [
  namespace,
  unique,
  labels,
  services,
  rights,
  secrets,
  admission,
  gateways,
];
