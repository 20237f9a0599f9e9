-- A schema of its own, because these tables live beside the views.
CREATE SCHEMA ordermesh_bus;

-- Who consumes what, and how far: one row per consumer group and partition.
CREATE TABLE ordermesh_bus.lease (
  group_id text NOT NULL,
  partition integer NOT NULL,
  owner uuid,
  -- Grows with each change of the owner; a commit that names an older one is refused.
  epoch bigint NOT NULL DEFAULT 0,
  expires_at timestamptz,
  -- Position of the last message that was handled.
  position bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (group_id, partition)
) WITH (fillfactor = 50); -- updated all the time: room for updates within the page

-- Who is alive, also those that own nothing yet: the number of members is what a fair share is computed from.
CREATE TABLE ordermesh_bus.member (
  group_id text NOT NULL,
  member_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (group_id, member_id)
);

-- One heartbeat of one member, in one round trip: says that it lives, renews the leases it names, and takes free partitions up to its fair share.
-- Writes only when less than two thirds of a lease are left, so most heartbeats are two index scans. Only the server's clock counts.
--   p_partitions  how many there are; 0 when the member is leaving: it keeps what it names, and takes nothing
--   p_renew       partitions it owns and wants to keep
--   p_known       these and those it is still giving up: not to be taken now
-- Returns the fair share, and a row for each lease renewed or taken (one row without a partition when there is none).
CREATE FUNCTION ordermesh_bus.tend(
  p_group text, p_member uuid, p_partitions integer, p_lease interval, p_renew integer[], p_known integer[]
)
RETURNS TABLE (share integer, partition integer, epoch bigint, "position" bigint, remaining_ms double precision)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
  v_renew_before timestamptz := v_now + p_lease * 2 / 3;
  v_share integer;
  v_taken integer[];
BEGIN
  IF p_partitions > 0 AND NOT EXISTS (
    SELECT FROM ordermesh_bus.member
    WHERE group_id = p_group AND member_id = p_member AND expires_at >= v_renew_before
  ) THEN
    INSERT INTO ordermesh_bus.member (group_id, member_id, expires_at)
    VALUES (p_group, p_member, v_now + p_lease)
    ON CONFLICT (group_id, member_id) DO UPDATE SET expires_at = excluded.expires_at;
  END IF;

  -- The remainder goes to the members with the lowest ids: all of them compute the same shares, and the shares add up.
  SELECT p_partitions / live + CASE WHEN before_me < p_partitions % live THEN 1 ELSE 0 END
  INTO v_share
  FROM (
    SELECT greatest(1, count(*))::integer AS live,
           count(*) FILTER (WHERE member_id < p_member) AS before_me
    FROM ordermesh_bus.member
    WHERE group_id = p_group AND expires_at > v_now
  ) AS members;

  UPDATE ordermesh_bus.lease SET expires_at = v_now + p_lease
  WHERE group_id = p_group AND owner = p_member AND partition = ANY (p_renew) AND expires_at < v_renew_before;

  -- Materialized, or the plan may run the LIMIT more than once and take too much.
  WITH free AS MATERIALIZED (
    SELECT partition FROM ordermesh_bus.lease
    WHERE group_id = p_group AND partition <> ALL (p_known)
      AND (owner IS NULL OR owner = p_member OR expires_at <= v_now)
    ORDER BY partition
    LIMIT greatest(0, v_share - cardinality(p_renew))
    FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE ordermesh_bus.lease AS l SET owner = p_member, epoch = l.epoch + 1, expires_at = v_now + p_lease
    FROM free WHERE l.group_id = p_group AND l.partition = free.partition
    RETURNING l.partition
  )
  SELECT coalesce(array_agg(partition), '{}') INTO v_taken FROM taken;

  RETURN QUERY
  SELECT v_share, l.partition, l.epoch, l.position,
         (extract(epoch FROM l.expires_at - v_now) * 1000)::double precision
  FROM (VALUES (1)) AS at_least_one
  LEFT JOIN ordermesh_bus.lease AS l
    ON l.group_id = p_group AND l.owner = p_member
   AND l.partition = ANY (p_renew || v_taken);
END
$$;
