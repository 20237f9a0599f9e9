-- Folded states, so that loading a long stream need not begin at its first event: one row per stream, the newest. Any row may be deleted at any time.
CREATE TABLE snapshots (
  stream_id   uuid    PRIMARY KEY,
  version     integer NOT NULL, -- of the last event in it
  schema_hash text    NOT NULL, -- of the state's shape; a reader with another one replays the events instead
  state       text    NOT NULL  -- text, not jsonb, which would write numbers and escapes its own way
);

GRANT SELECT, INSERT, UPDATE ON snapshots TO ordermesh_app;
