declare module 'vitest' {
  interface ProvidedContext {
    /** The server that int, engines and e2e tests use: a database of its own per {@link testDatabase}. */
    postgresUrl: string;
    /** Differs per run and per rerun in watch mode: the first part of every database name. */
    postgresRun: string;
    /** `host:port`, comma-separated: a topic of its own per {@link testTopicName}. Project `engines` only. */
    kafkaBrokers: string;
    /** An index prefix of its own per {@link testIndexPrefix}. Project `engines` only. */
    elasticsearchUrl: string;
    /** A database of its own per {@link testRedis}. Project `engines` only. */
    redisUrl: string;
    /** Why an engine is not there, by its name. */
    missingEngines: Partial<Record<TestEngine, string>>;
  }
}

/** The engines of project `engines` besides PostgreSQL. */
export type TestEngine = 'kafka' | 'elasticsearch' | 'redis';

/** The prefix of everything that one run makes on the server. */
export type RunPrefix = `ordermesh_test_${string}`;
