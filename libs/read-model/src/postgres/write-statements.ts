/**
 * The upsert. One JSON parameter instead of fifteen arrays: node-postgres escapes every quote of every array element, and a function scan over a
 * parameter leaves the planner no choice, so that the plan made on the empty table is right for the full one.
 */
const upsert = `
  INSERT INTO order_view AS v (order_id, revision, version, position, partition, status, customer_id, currency_code, total,
    created_at, updated_at, enrichment, doc, traceparent, tracestate, search_text)
  SELECT order_id, revision, version, position, partition, status, customer_id, currency_code, total,
    created_at, updated_at, enrichment, decode(doc, 'base64'), traceparent, tracestate, search_text
  FROM json_to_recordset($1::json) AS x(order_id uuid, revision bigint, version integer, position bigint, partition integer,
    status smallint, customer_id uuid, currency_code text, total bigint, created_at timestamptz, updated_at timestamptz,
    enrichment smallint, doc text, traceparent text, tracestate text, search_text text)
  ON CONFLICT (order_id) DO UPDATE SET
    revision = excluded.revision, version = excluded.version, position = excluded.position, status = excluded.status,
    customer_id = excluded.customer_id, currency_code = excluded.currency_code, total = excluded.total,
    created_at = excluded.created_at, updated_at = excluded.updated_at, enrichment = excluded.enrichment, doc = excluded.doc,
    traceparent = excluded.traceparent, tracestate = excluded.tracestate, search_text = excluded.search_text
  WHERE v.revision < excluded.revision`;

/** $1 rows of views. */
export const writeViews = { name: 'order_view_write', text: upsert };

/**
 * A whole batch in one round trip: one statement is one transaction. $1 rows of views, $2 rows of dead letters, $3 projection, $4 partition, $5
 * position, $6 event there, $7 log, $8 positions of dead letters to delete.
 */
export const writeBatch = {
  name: 'order_view_batch',
  text: `
  WITH views AS (${upsert}),
  dead AS (
    INSERT INTO dead_letter (projection, position, order_id, version, partition, value, headers, error_class, detail, attempts,
      parked_at)
    SELECT $3, position, order_id, version, partition, decode(value, 'base64'), headers, error_class, detail, attempts, parked_at
    FROM json_to_recordset($2::json) AS x(position bigint, order_id text, version integer, partition integer, value text,
      headers jsonb, error_class text, detail text, attempts integer, parked_at timestamptz)
    ON CONFLICT (projection, position) DO NOTHING
  ),
  revived AS (
    DELETE FROM dead_letter WHERE projection = $3 AND position = ANY($8::bigint[])
  )
  INSERT INTO projection_checkpoint AS c (projection, partition, position, event_id, log_id) VALUES ($3, $4, $5, $6, $7)
  ON CONFLICT (projection, partition) DO UPDATE SET position = excluded.position, event_id = excluded.event_id, log_id = excluded.log_id
  WHERE c.position < excluded.position`,
};
