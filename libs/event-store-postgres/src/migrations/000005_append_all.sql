-- append_batch for the usual case, in which nothing is refused: append_all and append_alone store every command of the batch, or none, and then
-- append_batch says why. Both want every command to expect a version, 0 for none. They return the position before the batch's first event, so that each
-- row is at that one plus its place in the batch; NULL where they stored nothing. Figures: docs/adr/0030.
-- append_one stays for processes of the release before this one.

-- Looks nothing up that a unique constraint refuses anyhow. `reached` has one byte per row: 1 where the caller knows that the stream has been at the
-- expected version.
CREATE FUNCTION append_all(batch append_row[], reached bytea)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  head bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_all needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  PERFORM pg_advisory_xact_lock(7309475598860808551);

  head := coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0);

  -- A block of its own, because a refusal is no error for the server's log.
  BEGIN
    -- A stream that has not reached the expected version would get a gap, which no unique constraint refuses: so that version is looked for, and where it
    -- is not there, NULL breaks NOT NULL.
    INSERT INTO events (
      position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
      correlation_id, causation_id, traceparent, tracestate, data
    )
    SELECT
      head + r.ordinality,
      r.stream_id,
      CASE
        WHEN get_byte(reached, r.ordinality::integer - 1) = 1 THEN r.expected + r.nth
        ELSE (SELECT e.version + r.nth FROM events e WHERE e.stream_id = r.stream_id AND e.version = r.expected)
      END,
      r.partition, r.schema_version, r.type, r.event_id, r.occurred_at, r.actor_subject, r.actor_service,
      r.correlation_id, r.causation_id, r.traceparent, r.tracestate, r.data
    FROM unnest(batch) WITH ORDINALITY AS r;

    INSERT INTO idempotency (key, request_hash, response, partition, position)
    SELECT r.key, r.request_hash, r.response, r.partition, head + r.ordinality
    FROM unnest(batch) WITH ORDINALITY AS r
    WHERE r.nth = r.size AND r.key IS NOT NULL;
  EXCEPTION WHEN unique_violation OR not_null_violation THEN
    RETURN NULL;
  END;

  PERFORM pg_notify('ordermesh_log', CASE WHEN octet_length(told.tops) > 7500 THEN '' ELSE told.tops END)
  FROM (
    SELECT string_agg(t.partition || ':' || t.place, ',') AS tops
    FROM (SELECT r.partition, head + max(r.ordinality) AS place FROM unnest(batch) WITH ORDINALITY AS r GROUP BY r.partition) t
  ) told;

  RETURN head;
END $$;

-- For one row: without sets, because starting their plans takes longer than storing the event, and every statement that is none is an expression, which
-- plpgsql evaluates without a plan.
CREATE FUNCTION append_alone(batch append_row[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  r append_row := batch[1];
  head bigint;
  reached integer;
  is_known boolean;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'append_alone needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  IF pg_advisory_xact_lock(7309475598860808551) IS NULL THEN
    RETURN NULL;
  END IF;

  SELECT
    coalesce((SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), 0),
    coalesce((SELECT e.version FROM events e WHERE e.stream_id = r.stream_id ORDER BY e.version DESC LIMIT 1), 0),
    (SELECT true FROM idempotency i WHERE i.key = r.key)
  INTO head, reached, is_known;
  IF is_known OR r.expected <> reached THEN
    RETURN NULL;
  END IF;

  INSERT INTO events (
    position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service,
    correlation_id, causation_id, traceparent, tracestate, data
  )
  VALUES (
    head + 1, r.stream_id, reached + 1, r.partition, r.schema_version, r.type, r.event_id, r.occurred_at, r.actor_subject, r.actor_service,
    r.correlation_id, r.causation_id, r.traceparent, r.tracestate, r.data
  );
  IF r.key IS NOT NULL THEN
    INSERT INTO idempotency (key, request_hash, response, partition, position)
    VALUES (r.key, r.request_hash, r.response, r.partition, head + 1);
  END IF;
  IF pg_notify('ordermesh_log', r.partition || ':' || head + 1) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN head;
END $$;
