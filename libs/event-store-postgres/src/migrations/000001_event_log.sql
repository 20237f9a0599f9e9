-- The event log. Positions are dense, 1..n, in commit order: count(*) = max(position) at any time, and a cursor is one integer.

CREATE TABLE events (
  position       bigint      PRIMARY KEY, -- also finds the head of the log
  stream_id      uuid        NOT NULL,
  version        integer     NOT NULL,    -- in the stream, 1..n
  partition      smallint    NOT NULL,    -- of the bus, computed by the command service
  schema_version smallint    NOT NULL,
  type           text        NOT NULL,    -- short name in the event catalogue
  event_id       uuid        NOT NULL,    -- UUIDv7
  occurred_at    timestamptz NOT NULL,
  actor_subject  text        NOT NULL,
  actor_service  text        NOT NULL,
  correlation_id uuid,
  causation_id   uuid,
  traceparent    text,
  tracestate     text,
  data           jsonb       NOT NULL,    -- protobuf JSON of the event message
  UNIQUE (stream_id, version)             -- finds a stream and its version; the last wall against two events of one version
);

-- For read_feed. No other index: each one costs every append.
CREATE INDEX events_feed ON events (partition, position);

-- Append-only is the database's promise, to its owner as well. A statement trigger on these costs an insert nothing.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Which answer was given to which key. Purged by age.
CREATE TABLE idempotency (
  key          uuid        PRIMARY KEY, -- 16 bytes, hash over caller, method and the caller's key
  request_hash bytea       NOT NULL,    -- 32 bytes
  response     bytea       NOT NULL,    -- without the consistency token, which is a function of the next two
  partition    smallint    NOT NULL,
  position     bigint      NOT NULL,    -- of the command's last event
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- For the purge. BRIN because rows arrive in this order: a few pages, and next to nothing per insert.
CREATE INDEX idempotency_age ON idempotency USING brin (created_at);

-- One row, made by the first start.
CREATE TABLE log (
  log_id     uuid     PRIMARY KEY DEFAULT gen_random_uuid(),
  partitions smallint NOT NULL CHECK (partitions > 0),
  single     boolean  NOT NULL DEFAULT true UNIQUE CHECK (single)
);

-- One event of a command to append. What is the command's is said with each of its events, so that a batch is one flat list.
CREATE TYPE append_row AS (
  stream_id      uuid,
  partition      smallint,
  expected       integer,  -- null any version, -1 the stream exists, 0 it does not, n it is at version n
  nth            integer,  -- event of the command, 1..size
  size           integer,  -- of the command
  key            uuid,     -- null without a key
  request_hash   bytea,
  response       bytea,    -- with the command's last event only
  type           text,
  schema_version smallint,
  event_id       uuid,
  occurred_at    timestamptz,
  actor_subject  text,
  actor_service  text,
  correlation_id uuid,
  causation_id   uuid,
  traceparent    text,
  tracestate     text,
  data           jsonb
);

-- Appends a batch of commands; each is stored whole or refused on its own.
--
-- Returns one row per command, in the same order: outcome appended (version, partition and position of its last event), conflict (version: the stream's,
-- 0 if there is none), replayed (the stored answer) or key_reused.
-- Two commands of a batch on one stream or with one key break a unique constraint, and nothing of the batch is stored.
--
-- Generic plans are forced because a custom one, which knows how long the batch is, always looks cheaper, and planning costs 0.4 ms per call.
CREATE FUNCTION append_batch(batch append_row[])
RETURNS TABLE (outcome text, version integer, partition smallint, "position" bigint, request_hash bytea, response bytea)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  head bigint;
BEGIN
  -- Under a snapshot of the whole transaction the statements below would not see what was committed while waiting for the lock.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_batch needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  -- First of all, and held until the commit is visible: positions become visible in their order, and all that is looked up here stays true.
  PERFORM pg_advisory_xact_lock(7309475598860808551);

  head := coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0);

  -- Scalar subqueries because they have one possible plan, an index scan. plpgsql keeps the plan that it makes on the empty table of a fresh start;
  -- with EXISTS or a join that was a scan of the whole log, 10 to 25 times slower. For the same reason everything is carried along in one
  -- chain: a join between two CTEs has no statistics. The events of a command all find the same, so each can be judged alone.
  RETURN QUERY
  WITH found AS (
    SELECT r.*,
      (SELECT i FROM idempotency i WHERE i.key = r.key) AS answer,
      coalesce((SELECT e.version FROM events e WHERE e.stream_id = r.stream_id ORDER BY e.version DESC LIMIT 1), 0) AS current
    FROM unnest(batch) WITH ORDINALITY AS r (
      stream_id, partition, expected, nth, size, key, request_hash, response, type, schema_version, event_id, occurred_at, actor_subject,
      actor_service, correlation_id, causation_id, traceparent, tracestate, data, ordinal
    )
  ), judged AS (
    SELECT f.*,
      CASE
        WHEN (f.answer).request_hash = f.request_hash THEN 'replayed'
        WHEN (f.answer).request_hash <> f.request_hash THEN 'key_reused'
        WHEN f.expected IS NULL OR f.expected = f.current OR (f.expected = -1 AND f.current > 0) THEN 'appended'
        ELSE 'conflict'
      END AS outcome
    FROM found f
  ), placed AS (
    SELECT j.*, head + count(*) FILTER (WHERE j.outcome = 'appended') OVER (ORDER BY j.ordinal) AS position FROM judged j
  ), stored AS (
    INSERT INTO events (
      position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
      correlation_id, causation_id, traceparent, tracestate, data
    )
    SELECT
      p.position, p.stream_id, p.current + p.nth, p.partition, p.schema_version, p.type, p.event_id, p.occurred_at, p.actor_subject, p.actor_service,
      p.correlation_id, p.causation_id, p.traceparent, p.tracestate, p.data
    FROM placed p WHERE p.outcome = 'appended'
  ), remembered AS (
    -- No ON CONFLICT: a key that is there after all must fail the batch, not lose an answer.
    INSERT INTO idempotency (key, request_hash, response, partition, position)
    SELECT p.key, p.request_hash, p.response, p.partition, p.position
    FROM placed p WHERE p.outcome = 'appended' AND p.nth = p.size AND p.key IS NOT NULL
  ), touched AS (
    SELECT string_agg(t.partition || ':' || t.position, ',') AS tops
    FROM (SELECT p.partition, max(p.position) AS position FROM placed p WHERE p.outcome = 'appended' GROUP BY p.partition) t
  ), told AS MATERIALIZED (
    -- Once per batch: at its commit a notifying transaction takes a lock of the whole cluster. Payload: "partition:position,…", the highest of each
    -- partition; empty ("look everywhere") when it would not fit into the 8000 bytes of a notification.
    SELECT pg_notify('ordermesh_log', CASE WHEN octet_length(tops) > 7500 THEN '' ELSE tops END) FROM touched WHERE tops IS NOT NULL
  )
  SELECT
    p.outcome,
    CASE p.outcome WHEN 'appended' THEN p.current + p.size ELSE p.current END,
    CASE p.outcome WHEN 'replayed' THEN (p.answer).partition ELSE p.partition END,
    CASE p.outcome WHEN 'replayed' THEN (p.answer).position ELSE p.position END,
    (p.answer).request_hash,
    (p.answer).response
  FROM placed p, (SELECT count(*) FROM told) t -- a CTE that nobody reads is not run
  WHERE p.nth = p.size
  ORDER BY p.ordinal;
END $$;

-- The log as a bus sees it: the events of one partition after a position, oldest first. Together with the channel ordermesh_log this is all that
-- anybody but the command service may use of the log.
CREATE FUNCTION read_feed(p_partition integer, p_after bigint, p_limit integer)
RETURNS TABLE (
  "position" bigint, partition smallint, stream_id uuid, version integer, type text, schema_version smallint, event_id uuid,
  occurred_at timestamptz, traceparent text, tracestate text, data text
) LANGUAGE sql STABLE AS $$
  SELECT e.position, e.partition, e.stream_id, e.version, e.type, e.schema_version, e.event_id, e.occurred_at, e.traceparent, e.tracestate,
    e.data::text
  FROM events e
  WHERE e.partition = p_partition::smallint AND e.position > p_after
  ORDER BY e.position
  LIMIT p_limit
$$;

-- The application logs in as a member of this group; whoever runs this file owns the tables. The group is the whole server's, so it may be there
-- already, or appear meanwhile. Append-only by grant: the application's roles cannot change an event, nor switch off the trigger that refuses it.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ordermesh_app') THEN
    CREATE ROLE ordermesh_app NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;
END $$;
GRANT USAGE ON SCHEMA public TO ordermesh_app;
GRANT SELECT ON schema_migrations TO ordermesh_app;
GRANT SELECT, INSERT ON events, log TO ordermesh_app;
GRANT SELECT, INSERT, DELETE ON idempotency TO ordermesh_app;
