-- Customers as they register. `revision` grows with every change of a row; it begins at 2, because projections write 0 and 1 before they know the
-- customer (pending, unknown).
CREATE TABLE customer (
  customer_id uuid PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL,
  revision integer NOT NULL DEFAULT 2,
  created_at timestamptz NOT NULL DEFAULT now()
);
