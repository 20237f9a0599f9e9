import { idOf, type Manifest } from './manifest.ts';
import { modelModule } from './models.ts';

interface Model {
  new (data: Manifest): { validate(): void };
}

/** What is wrong with resources by their JSON schemas: formats, patterns, bounds and missing fields; one line each. */
export async function schemaFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const manifest of manifests) {
    const models = (await import(modelModule(manifest))) as Readonly<Record<string, Model>>;
    const ModelOf = models[manifest.kind];
    if (ModelOf === undefined) {
      faults.push(`${idOf(manifest)}: ${manifest.apiVersion} has no such kind`);
      continue;
    }
    try {
      new ModelOf(unwrapped(manifest)).validate();
    } catch (error) {
      faults.push(`${idOf(manifest)}: ${(error as Error).message}`);
    }
  }
  return faults;
}

/** The API server takes base64 in lines, as kustomize writes it; the schema does not. */
function unwrapped(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret') return manifest;
  const data = Object.entries(manifest.data as Record<string, string>);
  return {
    ...manifest,
    data: Object.fromEntries(data.map(([key, value]) => [key, value.replace(/\s/g, '')])),
  };
}
