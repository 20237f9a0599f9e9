/**
 * Name of this projection with its generation: key of its checkpoints and dead letters, and the name of its consumer group. A lost or changed store becomes
 * the next generation and replays the log.
 */
export const postgresProjection = 'orders-pg@000001';
