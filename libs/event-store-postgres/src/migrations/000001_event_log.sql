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
  key          bytea       PRIMARY KEY, -- 16 bytes, hash over caller, method and the caller's key
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

-- Appends a batch of commands; each is stored whole or refused on its own.
--
-- batch: [{stream_id, partition, expected, key, request_hash, response, events: [{…columns of events…}]}, …]
--   expected: null any version, -1 the stream exists, 0 it does not, n it is at version n. key, request_hash, response: null without a key.
-- Returns, in the same order: [{outcome: "appended", version, partition, position} | {outcome: "conflict", version} |
--   {outcome: "replayed", response, partition, position, request_hash} | {outcome: "key_reused"}, …]; version is the stream's, 0 if there is none.
-- Two commands of a batch on one stream or with one key break a unique constraint, and nothing of the batch is stored.
CREATE FUNCTION append_batch(batch jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
  head     bigint;
  outcomes jsonb;
  touched  text;
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
  -- chain: a join between two CTEs has no statistics.
  WITH found AS (
    SELECT c.*,
      (SELECT i FROM idempotency i WHERE i.key = c.key) AS answer,
      coalesce((SELECT e.version FROM events e WHERE e.stream_id = c.stream_id ORDER BY e.version DESC LIMIT 1), 0) AS current
    FROM ROWS FROM (jsonb_to_recordset(batch) AS (
      stream_id uuid, partition smallint, expected integer, key bytea, request_hash bytea, response bytea, events jsonb
    )) WITH ORDINALITY AS c (stream_id, partition, expected, key, request_hash, response, events, ordinal)
  ), judged AS (
    SELECT f.*,
      CASE
        WHEN (f.answer).request_hash = f.request_hash THEN 'replayed'
        WHEN (f.answer).request_hash <> f.request_hash THEN 'key_reused'
        WHEN f.expected IS NULL OR f.expected = f.current OR (f.expected = -1 AND f.current > 0) THEN 'appended'
        ELSE 'conflict'
      END AS outcome,
      jsonb_array_length(f.events) AS size
    FROM found f
  ), placed AS (
    SELECT j.*, head + sum(j.size) FILTER (WHERE j.outcome = 'appended') OVER (ORDER BY j.ordinal) AS last_position
    FROM judged j
  ), stored AS (
    INSERT INTO events (
      position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
      correlation_id, causation_id, traceparent, tracestate, data
    )
    SELECT
      p.last_position - p.size + e.ordinal, p.stream_id, p.current + e.ordinal, p.partition, e.schema_version, e.type, e.event_id,
      e.occurred_at, e.actor_subject, e.actor_service, e.correlation_id, e.causation_id, e.traceparent, e.tracestate, e.data
    FROM placed p CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(p.events) AS (
      schema_version smallint, type text, event_id uuid, occurred_at timestamptz, actor_subject text, actor_service text,
      correlation_id uuid, causation_id uuid, traceparent text, tracestate text, data jsonb
    )) WITH ORDINALITY AS e (
      schema_version, type, event_id, occurred_at, actor_subject, actor_service, correlation_id, causation_id, traceparent, tracestate,
      data, ordinal
    )
    WHERE p.outcome = 'appended'
  ), remembered AS (
    -- No ON CONFLICT: a key that is there after all must fail the batch, not lose an answer.
    INSERT INTO idempotency (key, request_hash, response, partition, position)
    SELECT p.key, p.request_hash, p.response, p.partition, p.last_position
    FROM placed p WHERE p.outcome = 'appended' AND p.key IS NOT NULL
  )
  SELECT
    (SELECT jsonb_agg(
      CASE p.outcome
        WHEN 'appended' THEN jsonb_build_object(
          'outcome', p.outcome, 'version', p.current + p.size, 'partition', p.partition, 'position', p.last_position::text)
        WHEN 'replayed' THEN jsonb_build_object(
          'outcome', p.outcome, 'request_hash', (p.answer).request_hash, 'response', (p.answer).response,
          'partition', (p.answer).partition, 'position', (p.answer).position::text)
        WHEN 'conflict' THEN jsonb_build_object('outcome', p.outcome, 'version', p.current)
        ELSE jsonb_build_object('outcome', p.outcome)
      END ORDER BY p.ordinal) FROM placed p),
    (SELECT string_agg(t.partition || ':' || t.position, ',') FROM (
      SELECT p.partition, max(p.last_position) AS position FROM placed p WHERE p.outcome = 'appended' GROUP BY p.partition) t)
  INTO outcomes, touched;

  -- Once per batch: at its commit a notifying transaction takes a lock of the whole cluster. Payload: "partition:position,…", the highest of each
  -- partition; empty ("look everywhere") when it would not fit into the 8000 bytes of a notification.
  IF touched IS NOT NULL THEN
    PERFORM pg_notify('ordermesh_log', CASE WHEN octet_length(touched) > 7500 THEN '' ELSE touched END);
  END IF;
  RETURN outcomes;
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
