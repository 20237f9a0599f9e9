-- How far the log was put on each bus, and which process does that now. In the log's own database, so that both are restored to the same moment.
CREATE TABLE relay (
  bus                 text        PRIMARY KEY, -- kafka, redis
  owner               uuid,                    -- of the process that leads; null: nobody
  epoch               bigint      NOT NULL DEFAULT 0, -- grows with each owner; an owner of an older epoch can write nothing here
  expires_at          timestamptz,             -- by this server's clock; then anybody may become the owner
  position            bigint      NOT NULL DEFAULT 0, -- of the last event that the bus has acknowledged
  event_id            uuid,                    -- of that event, and
  log_id              uuid,                    -- of its log: a log that was rolled back or replaced has another one there
  partition_positions bigint[]    NOT NULL     -- of the last one in each partition, from 0: the next one's predecessor
);

GRANT SELECT, INSERT, UPDATE ON relay TO ordermesh_app;
