-- Views of orders, as queries answer them, and how far they are. Everything here can be rebuilt from the log.

-- One row per order. What is filtered or sorted is a column; the answer itself is `doc`. All of an order's events but the
-- first leave the indexed columns as they are, so a fifth of each page stays free for the new row version beside the old one (HOT update: no index
-- is touched).
CREATE TABLE order_view (
  order_id      uuid        PRIMARY KEY,         -- GetOrder; load, upsert
  revision      bigint      NOT NULL,            -- version * 2^20 + customer revision: guards every write
  version       integer     NOT NULL,
  position      bigint      NOT NULL,
  partition     integer     NOT NULL,
  status        smallint    NOT NULL,            -- ordermesh.order.v1.OrderStatus
  customer_id   uuid        NOT NULL,
  currency_code text        NOT NULL,
  total         bigint      NOT NULL,            -- minor units
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  enrichment    smallint    NOT NULL,            -- ordermesh.order.v1.Enrichment
  doc           bytea       NOT NULL,            -- ordermesh.order.v1.Order
  traceparent   text,
  tracestate    text,
  -- Words that the application cut and folded, single blanks between them: the parser of `simple` finds nothing left to decide, so neither the
  -- database's locale nor the shape of a word (host names, numbers) changes what matches.
  search_text   text        NOT NULL,
  search        tsvector    NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', search_text)) STORED
) WITH (fillfactor = 80);

-- Ties of created_at and total are put into order of id by an incremental sort of the few rows that tie: (created_at, order_id) would serve
-- one direction only, because ties are ascending in both.

-- ListOrders; SearchOrders of one customer.
CREATE INDEX order_view_customer ON order_view (customer_id, created_at);
-- SearchOrders by time, which is its default order, and between two times.
CREATE INDEX order_view_created ON order_view (created_at);
-- SearchOrders by total, and between two totals.
CREATE INDEX order_view_total ON order_view (total);
-- SearchOrders with words. Without a pending list, which every search would have to read through until the next vacuum (it would save a tenth of the
-- time of a write).
CREATE INDEX order_view_search ON order_view USING gin (search) WITH (fastupdate = off);
-- The queue of views without customer fields; ENRICHMENT_DONE, nearly all rows, is not in it.
CREATE INDEX order_view_incomplete ON order_view (enrichment, order_id) INCLUDE (partition) WHERE enrichment <> 2;
-- Status has no index: it changes with every event, which would end HOT updates and touch all six indexes, for a filter that rarely
-- selects much.

-- How far a projection is, per partition; changed in the transaction of the views.
CREATE TABLE projection_checkpoint (
  projection text    NOT NULL,                   -- with its generation, e.g. orders-pg@000001
  partition  integer NOT NULL,
  position   bigint  NOT NULL,
  event_id   uuid,                               -- of the event there, where it was readable, and
  log_id     uuid,                               -- of its log: one that was rolled back or replaced has another event there
  PRIMARY KEY (projection, partition)
) WITH (fillfactor = 20);                        -- a dozen rows, rewritten by every batch

-- Events that could not be applied, as they came, and all later ones of the same orders.
CREATE TABLE dead_letter (
  projection  text        NOT NULL,
  position    bigint      NOT NULL,
  order_id    text        NOT NULL,              -- the key on the bus, which may be no UUID
  version     integer     NOT NULL,              -- 0: unreadable
  partition   integer     NOT NULL,
  value       bytea       NOT NULL,
  headers     jsonb       NOT NULL,
  error_class text        NOT NULL,
  detail      text        NOT NULL,
  attempts    integer     NOT NULL,
  parked_at   timestamptz NOT NULL,
  PRIMARY KEY (projection, position)             -- is this event parked? A batch that is written again
);
-- Parked orders of a partition; is this order parked, and since when?
CREATE INDEX dead_letter_order ON dead_letter (projection, partition, order_id, position);
