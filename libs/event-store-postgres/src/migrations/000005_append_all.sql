-- append_batch for the usual case, in which nothing is refused: stores every command of the batch, or none, and then append_batch says why. It looks for
-- nothing that a unique constraint refuses anyhow. Figures: docs/adr/0030.
--
-- Every command expects a version, 0 for none. Returns the position before the batch's first event, so that each row is at that one plus its place in the
-- batch; NULL where nothing was stored.
CREATE FUNCTION append_all(batch append_row[])
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
        WHEN r.expected = 0 THEN r.nth
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
