-- One row: what tells these views apart from those of another mesh, or of an earlier one, whose copies lie in the same cache. It is dumped
-- and restored with the views, and a new database has another.
CREATE TABLE view_origin (
  id     uuid    PRIMARY KEY DEFAULT gen_random_uuid(),
  single boolean NOT NULL DEFAULT true UNIQUE CHECK (single)
);
INSERT INTO view_origin DEFAULT VALUES;
