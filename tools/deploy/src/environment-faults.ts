/** Reads settings from an environment, as an app's `readConfig`. @throws with a line for each fault */
export type ReadConfig = (env: Readonly<Record<string, string | undefined>>) => unknown;

/**
 * What is wrong with the environment of one process: values that one of its readers refuses, and names that none of them asks for, so that they
 * would do nothing; one line each.
 * @param image what its image sets beforehand, which it need not read
 */
export function environmentFaults(
  environment: Readonly<Record<string, string>>,
  readers: readonly ReadConfig[],
  image: Readonly<Record<string, string>> = {},
): string[] {
  const asked = new Set<string>();
  const recorded = new Proxy(environment, {
    get(target, name) {
      if (typeof name !== 'string') return undefined;
      asked.add(name);
      return target[name] ?? image[name];
    },
  });
  const refused = readers.flatMap((read) => {
    try {
      read(recorded);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  });
  const unread = Object.keys(environment)
    .filter((name) => !asked.has(name))
    .map((name) => `${name} is read by nothing`);
  return [...refused, ...unread];
}
