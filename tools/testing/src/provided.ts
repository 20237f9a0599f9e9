declare module 'vitest' {
  interface ProvidedContext {
    /** The server that int and e2e tests use: a database of its own per {@link testDatabase}. */
    postgresUrl: string;
    /** Differs per run and per rerun in watch mode: the first part of every database name. */
    postgresRun: string;
  }
}

/** The prefix of everything that one run makes on the server. */
export type RunPrefix = `ordermesh_test_${string}`;
