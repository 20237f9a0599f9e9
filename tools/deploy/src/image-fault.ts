/** What is wrong with the name of an image: it needs a tag that names a version, and a digest must not be made up. */
export function imageFault(image: string): string | undefined {
  if (image.includes('@'))
    return `image ${image} has a digest: only a release tool that looked it up writes one`;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  if (tag === undefined) return `image ${image} has no tag`;
  // Two numbers at least: a tag of one (`postgres:18`) moves with every minor release.
  return /^v?\d+\.\d+/.test(tag) ? undefined : `image ${image}: its tag names no version`;
}
