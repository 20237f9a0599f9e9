/** Distroless has no tag of a version: the name of the repository holds it, and `nonroot` says only who runs. */
const DISTROLESS = /^gcr\.io\/distroless\/[a-z]+\d+-debian\d+:nonroot$/;

/** What is wrong with the name of an image: it needs a tag that names a version, and a digest must not be made up. */
export function imageFault(image: string): string | undefined {
  if (image.includes('@'))
    return `image ${image} has a digest: only a release tool that looked it up writes one`;
  if (DISTROLESS.test(image)) return undefined;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  if (tag === undefined) return `image ${image} has no tag`;
  // Two numbers at least: a tag of one (`postgres:18`) moves with every minor release.
  return /^v?\d+\.\d+/.test(tag) ? undefined : `image ${image}: its tag names no version`;
}
