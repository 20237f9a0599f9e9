/**
 * The digest of a pushed image, from the file that `docker buildx build --metadata-file` wrote. It comes from nowhere else: a digest that was not read from there
 * names nothing, or something else.
 *
 * @param tagged the image as it was asked for, `registry.example/shop/query:1.2.3`
 * @throws when the file is of another form or another image, or has no SHA-256
 */
export function pushedDigest(metadata: string, tagged: string): string {
  const { 'containerimage.digest': digest, 'image.name': names } = parse(metadata, tagged);
  if (typeof names !== 'string' || !names.split(',').includes(tagged))
    throw new Error(`the builder's metadata is of ${names}, not of ${tagged}`);
  if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error(`the builder's metadata of ${tagged} has no digest: ${digest}`);
  return digest;
}

function parse(metadata: string, tagged: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(metadata);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new Error(`the builder's metadata of ${tagged} is no JSON object`);
}
