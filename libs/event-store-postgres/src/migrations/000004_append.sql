-- append_batch as before, for less, and append_one beside it, for a command of one event that is alone in its batch. Figures: docs/adr/0028.

-- The wide rows of the batch are read three times where they lie, instead of being copied from CTE to CTE. What the statements tell each other is in narrow
-- arrays, one element per event, without NULLs where an element is picked: then PostgreSQL finds it at once.
CREATE OR REPLACE FUNCTION append_batch(batch append_row[])
RETURNS TABLE (outcome text, version integer, partition smallint, "position" bigint, request_hash bytea, response bytea)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  head       bigint;
  versions   integer[]; -- of the event; of the stream where it is refused
  places     bigint[];  -- its position; 0 where it is refused
  partitions smallint[];
  lasts      boolean[]; -- whether it is its command's last one
  answers    idempotency[];
BEGIN
  -- Under a snapshot of the whole transaction the statements below would not see what was committed while waiting for the lock.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_batch needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  -- First of all, and held until the commit is visible: positions become visible in their order, and all that is looked up here stays true.
  PERFORM pg_advisory_xact_lock(7309475598860808551);

  head := coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0);

  -- Scalar subqueries because they have one possible plan, an index scan. plpgsql keeps the plan that it makes on the empty table of a fresh start;
  -- with EXISTS or a join that was a scan of the whole log, 10 to 25 times slower. The events of a command all find the same, so each can be
  -- judged alone.
  WITH found AS (
    SELECT r.ordinality, r.partition, r.expected, r.nth, r.nth = r.size AS is_last, r.key,
      (SELECT true FROM idempotency i WHERE i.key = r.key) AS is_known,
      coalesce((SELECT e.version FROM events e WHERE e.stream_id = r.stream_id ORDER BY e.version DESC LIMIT 1), 0) AS current
    FROM unnest(batch) WITH ORDINALITY AS r
  ), judged AS (
    SELECT f.*, f.is_known IS NULL AND (f.expected IS NULL OR f.expected = f.current OR (f.expected = -1 AND f.current > 0)) AS is_accepted
    FROM found f
  ), placed AS (
    SELECT j.*, count(*) FILTER (WHERE j.is_accepted) OVER (ORDER BY j.ordinality ROWS UNBOUNDED PRECEDING) AS nth_accepted
    FROM judged j
  )
  SELECT
    array_agg(CASE WHEN p.is_accepted THEN p.current + p.nth ELSE p.current END ORDER BY p.ordinality),
    array_agg(CASE WHEN p.is_accepted THEN head + p.nth_accepted ELSE 0 END ORDER BY p.ordinality),
    array_agg(p.partition ORDER BY p.ordinality),
    array_agg(p.is_last ORDER BY p.ordinality),
    -- In the same snapshot as the look-up of the key, because answers are purged without the lock.
    array_agg(CASE WHEN p.is_known THEN (SELECT i FROM idempotency i WHERE i.key = p.key) END ORDER BY p.ordinality)
  INTO versions, places, partitions, lasts, answers
  FROM placed p;

  INSERT INTO events (
    position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
    correlation_id, causation_id, traceparent, tracestate, data
  )
  SELECT
    places[r.ordinality], r.stream_id, versions[r.ordinality], r.partition, r.schema_version, r.type, r.event_id, r.occurred_at,
    r.actor_subject, r.actor_service, r.correlation_id, r.causation_id, r.traceparent, r.tracestate, r.data
  FROM unnest(batch) WITH ORDINALITY AS r
  WHERE places[r.ordinality] > 0;

  -- No ON CONFLICT: a key that is there after all must fail the batch, not lose an answer.
  INSERT INTO idempotency (key, request_hash, response, partition, position)
  SELECT r.key, r.request_hash, r.response, r.partition, places[r.ordinality]
  FROM unnest(batch) WITH ORDINALITY AS r
  WHERE places[r.ordinality] > 0 AND r.nth = r.size AND r.key IS NOT NULL;

  -- Once per batch: at its commit a notifying transaction takes a lock of the whole cluster. Payload: "partition:position,…", the highest of each
  -- partition; empty ("look everywhere") when it would not fit into the 8000 bytes of a notification.
  PERFORM pg_notify('ordermesh_log', CASE WHEN octet_length(told.tops) > 7500 THEN '' ELSE told.tops END)
  FROM (
    SELECT string_agg(t.partition || ':' || t.place, ',') AS tops
    FROM (
      SELECT u.partition, max(u.place) AS place FROM unnest(partitions, places) AS u (partition, place) WHERE u.place > 0 GROUP BY u.partition
    ) t
  ) told
  WHERE told.tops IS NOT NULL;

  IF 0 <> ALL (places) THEN
    RETURN QUERY
    SELECT 'appended', u.version, u.partition, u.place, NULL::bytea, NULL::bytea
    FROM unnest(versions, partitions, places, lasts) WITH ORDINALITY AS u (version, partition, place, is_last, ordinality)
    WHERE u.is_last
    ORDER BY u.ordinality;
    RETURN;
  END IF;

  RETURN QUERY
  SELECT
    CASE
      WHEN u.place > 0 THEN 'appended'
      WHEN u.request_hash IS NULL THEN 'conflict'
      WHEN u.request_hash = (batch[u.ordinality]).request_hash THEN 'replayed'
      ELSE 'key_reused'
    END,
    u.version,
    coalesce(u.answer_partition, u.partition),
    coalesce(u.answer_position, u.place),
    u.request_hash,
    u.response
  FROM unnest(versions, partitions, places, lasts, answers) WITH ORDINALITY AS u (
    version, partition, place, is_last, key, request_hash, response, answer_partition, answer_position, created_at, ordinality
  )
  WHERE u.is_last
  ORDER BY u.ordinality;
END $$;

-- append_batch for a batch of one row, by the same rules. Without sets: starting their plans takes longer than storing the event.
CREATE FUNCTION append_one(batch append_row[])
RETURNS TABLE (outcome text, version integer, partition smallint, "position" bigint, request_hash bytea, response bytea)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  r append_row := batch[1];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_one needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  PERFORM pg_advisory_xact_lock(7309475598860808551);

  IF r.key IS NOT NULL THEN
    SELECT i.partition, i.position, i.request_hash, i.response INTO partition, position, request_hash, response
    FROM idempotency i WHERE i.key = r.key;
    IF FOUND THEN
      outcome := CASE WHEN request_hash = r.request_hash THEN 'replayed' ELSE 'key_reused' END;
      RETURN NEXT;
      RETURN;
    END IF;
  END IF;

  SELECT
    coalesce((SELECT e.version FROM events e WHERE e.stream_id = r.stream_id ORDER BY e.version DESC LIMIT 1), 0),
    coalesce((SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), 0) + 1
  INTO version, position;
  IF r.expected <> version AND NOT (r.expected = -1 AND version > 0) THEN -- null: any version
    outcome := 'conflict';
    RETURN NEXT;
    RETURN;
  END IF;

  outcome := 'appended';
  version := version + 1;
  partition := r.partition;
  INSERT INTO events (
    position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
    correlation_id, causation_id, traceparent, tracestate, data
  )
  VALUES (
    position, r.stream_id, version, partition, r.schema_version, r.type, r.event_id, r.occurred_at, r.actor_subject, r.actor_service,
    r.correlation_id, r.causation_id, r.traceparent, r.tracestate, r.data
  );
  IF r.key IS NOT NULL THEN
    INSERT INTO idempotency (key, request_hash, response, partition, position)
    VALUES (r.key, r.request_hash, r.response, partition, position);
  END IF;
  PERFORM pg_notify('ordermesh_log', partition || ':' || position);
  RETURN NEXT;
END $$;
