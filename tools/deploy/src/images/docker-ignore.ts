/**
 * Whether a builder would leave `path` of its context out. Of .dockerignore's language it knows what ours speaks: names, `*`, `**` and `!`; the last line that
 * matches the path, or a folder above it, decides.
 */
export function isIgnored(dockerignore: string, path: string): boolean {
  const parts = path.split('/');
  const paths = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
  return linesOf(dockerignore).reduce((ignored, line) => {
    const [pattern, verdict] = line.startsWith('!') ? [line.slice(1), false] : [line, true];
    const expression = toExpression(pattern);
    return paths.some((one) => expression.test(one)) ? verdict : ignored;
  }, false);
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function toExpression(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(.*/)?'));
  return new RegExp(`^${source}$`);
}
