/**
 * The mailbox path in the database: one call stores many sends and deletes what many devices have acknowledged, in one transaction and one round trip.
 *
 * Everything of variable length lies in `blob`, one value in binary; the arrays have fixed-width elements and no nulls, so that PostgreSQL finds the i-th of
 * them without a walk. Positions count from 1.
 * - A send (`s_…`): at `s_at` the sender's account (16 bytes), the send id (16) and, where `s_body` is not -1, that many bytes of body.
 * - A recipient (`r_…`) of the send with number `r_send`: at `r_at` the account (16) and `r_length` bytes of envelope.
 * - An acknowledgement (`a_…`), one a device: at `a_at` the account (16).
 *
 * Locks are taken in one order by everybody, so nobody waits in a circle: send ids (ascending), heads of mailboxes (ascending), tails of mailboxes (ascending). Rows
 * are deleted under the lock of their mailbox's tail alone. Each statement of the function sees what was committed before IT began (READ
 * COMMITTED), so what is read after a lock is what the lock protects.
 *
 * Answers one row for every send: 0 stored, 1 repeated, 2 revoked, 3 unknown recipient, 4 stale manifest, 5 full, 6 again: it would be full only
 * together with earlier sends of this very call, which may be refused themselves.
 *
 * The planner is not left a choice: statistics of a new table, or of none, would have it read whole tables.
 */
export const MAILBOX_WRITE = `
CREATE FUNCTION {s}.mailbox_write_1(
  blob bytea, s_at int[], s_device bigint[], s_time bigint[], s_body int[], s_max int[],
  r_send int[], r_at int[], r_device bigint[], r_manifest bigint[], r_length int[],
  a_at int[], a_device bigint[], a_up_to bigint[]
) RETURNS TABLE (o_send int, o_kind int, o_time bigint, o_sequences text)
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $function$
DECLARE
  s_row bigint[];
  s_fresh boolean[];
  r_row bigint[];
  a_row bigint[];
  freed bigint[];
BEGIN
  -- At the commit, which comes after this function: what is acknowledged is on the disk.
  PERFORM set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';

  IF cardinality(s_at) > 0 THEN
    s_row := ARRAY(
      SELECT coalesce((SELECT d.device_row FROM {s}.devices d WHERE d.account_id = substring(blob, s_at[i], 16) AND d.device_id = s_device[i]), 0)
      FROM generate_series(1, cardinality(s_at)) i ORDER BY i);
    r_row := ARRAY(
      SELECT coalesce((SELECT d.device_row FROM {s}.devices d WHERE d.account_id = substring(blob, r_at[i], 16) AND d.device_id = r_device[i]), 0)
      FROM generate_series(1, cardinality(r_at)) i ORDER BY i);

    WITH asked AS MATERIALIZED (
      SELECT i, s_row[i] AS sender, substring(blob, s_at[i] + 16, 16) AS id FROM generate_series(1, cardinality(s_at)) i
    ), added AS (
      INSERT INTO {s}.sends (device_row, send_id, time)
      SELECT asked.sender, asked.id, s_time[asked.i] FROM asked WHERE asked.sender > 0 ORDER BY asked.sender, asked.id
      ON CONFLICT (device_row, send_id) DO NOTHING
      RETURNING sends.device_row, sends.send_id
    )
    SELECT array_agg(added.device_row IS NOT NULL ORDER BY asked.i) INTO s_fresh
    FROM asked LEFT JOIN added ON added.device_row = asked.sender AND added.send_id = asked.id;

    PERFORM 1 FROM {s}.mailbox_heads h WHERE h.device_row = ANY (r_row) ORDER BY h.device_row FOR UPDATE;

    RETURN QUERY
    WITH looked AS MATERIALIZED (
      SELECT i, r_send[i] AS send, r_row[i] AS mailbox,
        (SELECT a.manifest_version FROM {s}.accounts a WHERE a.account_id = substring(blob, r_at[i], 16) AND a.manifest_version > 0) AS newest,
        (SELECT h.last_sequence FROM {s}.mailbox_heads h WHERE h.device_row = r_row[i]) AS last,
        (SELECT t.acknowledged FROM {s}.mailbox_tails t WHERE t.device_row = r_row[i]) AS acknowledged
      FROM generate_series(1, cardinality(r_at)) i WHERE s_fresh[r_send[i]]
    ), judged AS MATERIALIZED (
      SELECT l.i, l.send, l.mailbox, l.last, CASE
        WHEN l.newest IS NULL THEN 3
        WHEN r_manifest[l.i] < l.newest THEN 4
        WHEN l.last IS NULL THEN 3
        WHEN l.last - l.acknowledged + count(*) OVER (PARTITION BY l.mailbox, l.send ORDER BY l.i) > s_max[l.send] THEN 5
        WHEN l.last - l.acknowledged + count(*) OVER (PARTITION BY l.mailbox ORDER BY l.i) > s_max[l.send] THEN 6
        ELSE 0 END AS problem
      FROM looked l
    ), verdicts AS MATERIALIZED (
      SELECT j.send, coalesce((array_agg(j.problem ORDER BY j.i) FILTER (WHERE j.problem > 0))[1], 0) AS kind FROM judged j GROUP BY j.send
    ), forgotten AS (
      DELETE FROM {s}.sends x USING verdicts v
      WHERE v.kind > 0 AND x.device_row = s_row[v.send] AND x.send_id = substring(blob, s_at[v.send] + 16, 16)
    ), good AS MATERIALIZED (
      SELECT j.i, j.send, j.mailbox, j.last + row_number() OVER (PARTITION BY j.mailbox ORDER BY j.i) AS sequence
      FROM judged j JOIN verdicts v ON v.send = j.send WHERE v.kind = 0
    ), body AS MATERIALIZED (
      SELECT v.send, nextval('{s}.body_ids') AS body_id FROM verdicts v WHERE v.kind = 0 AND s_body[v.send] >= 0
    ), body_rows AS (
      INSERT INTO {s}.bodies (body_id, bytes) SELECT b.body_id, substring(blob, s_at[b.send] + 32, s_body[b.send]) FROM body b
    ), mailbox_rows AS (
      INSERT INTO {s}.mailbox_rows (device_row, sequence, time, sender_account, sender_device, envelope, body_id)
      SELECT g.mailbox, g.sequence, s_time[g.send], substring(blob, s_at[g.send], 16), s_device[g.send], substring(blob, r_at[g.i] + 16, r_length[g.i]), b.body_id
      FROM good g LEFT JOIN body b ON b.send = g.send
    ), heads AS (
      UPDATE {s}.mailbox_heads h SET last_sequence = h.last_sequence + n.added
      FROM (SELECT g.mailbox, count(*) AS added FROM good g GROUP BY g.mailbox) n WHERE h.device_row = n.mailbox
    ), numbered AS MATERIALIZED (
      SELECT g.send, string_agg(g.sequence::text, ',' ORDER BY g.i) AS sequences FROM good g GROUP BY g.send
    )
    SELECT i,
      CASE WHEN s_row[i] = 0 THEN 2 WHEN NOT s_fresh[i] THEN 1 ELSE coalesce(v.kind, 0) END,
      CASE WHEN s_row[i] > 0 AND NOT s_fresh[i]
        THEN (SELECT x.time FROM {s}.sends x WHERE x.device_row = s_row[i] AND x.send_id = substring(blob, s_at[i] + 16, 16)) ELSE s_time[i] END,
      coalesce(n.sequences, '')
    FROM generate_series(1, cardinality(s_at)) i LEFT JOIN verdicts v ON v.send = i LEFT JOIN numbered n ON n.send = i ORDER BY i;
  END IF;

  IF cardinality(a_at) > 0 THEN
    a_row := ARRAY(
      SELECT coalesce((SELECT d.device_row FROM {s}.devices d WHERE d.account_id = substring(blob, a_at[i], 16) AND d.device_id = a_device[i]), 0)
      FROM generate_series(1, cardinality(a_at)) i ORDER BY i);
    PERFORM 1 FROM {s}.mailbox_tails t WHERE t.device_row = ANY (a_row) ORDER BY t.device_row FOR UPDATE;
    UPDATE {s}.mailbox_tails t SET acknowledged = n.up_to
    FROM (
      SELECT a_row[i] AS mailbox, least(a_up_to[i], (SELECT h.last_sequence FROM {s}.mailbox_heads h WHERE h.device_row = a_row[i])) AS up_to
      FROM generate_series(1, cardinality(a_at)) i
    ) n
    WHERE t.device_row = n.mailbox AND n.up_to > t.acknowledged;
    WITH gone AS (
      DELETE FROM {s}.mailbox_rows m
      USING (SELECT a_row[i] AS mailbox, (SELECT t.acknowledged FROM {s}.mailbox_tails t WHERE t.device_row = a_row[i]) AS up_to FROM generate_series(1, cardinality(a_at)) i) a
      WHERE m.device_row = a.mailbox AND m.sequence <= a.up_to
      RETURNING m.body_id
    )
    SELECT array_agg(DISTINCT gone.body_id) INTO freed FROM gone WHERE gone.body_id IS NOT NULL;
    -- Two that delete the last two references at once each see the other's: such a body is left to the sweep.
    IF freed IS NOT NULL THEN
      DELETE FROM {s}.bodies b WHERE b.body_id = ANY (freed) AND NOT EXISTS (SELECT 1 FROM {s}.mailbox_rows m WHERE m.body_id = b.body_id);
    END IF;
  END IF;
END
$function$;
`

/**
 * Pages of several mailboxes: for each its rows above `q_after`, at most `q_limit` of them, and at most `q_bytes` bytes after the first one. Accounts lie in
 * `blob`, 16 bytes each. Answers rows in the order of queries and sequences.
 */
export const MAILBOX_READ = `
CREATE FUNCTION {s}.mailbox_read_1(blob bytea, q_device bigint[], q_after bigint[], q_limit int[], q_bytes bigint[])
RETURNS TABLE (o_query int, o_sequence bigint, o_time bigint, o_account bytea, o_device bigint, o_envelope bytea, o_body bytea)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $function$
BEGIN
  RETURN QUERY
  SELECT q.i, c.sequence, c.time, c.sender_account, c.sender_device, c.envelope, c.bytes
  FROM (
    SELECT i, (SELECT d.device_row FROM {s}.devices d WHERE d.account_id = substring(blob, 16 * i - 15, 16) AND d.device_id = q_device[i]) AS mailbox
    FROM generate_series(1, cardinality(q_device)) i
  ) q CROSS JOIN LATERAL (
    SELECT m.sequence, m.time, m.sender_account, m.sender_device, m.envelope, b.bytes,
      row_number() OVER (ORDER BY m.sequence) AS place, sum(length(m.envelope) + coalesce(length(b.bytes), 0)) OVER (ORDER BY m.sequence) AS total
    FROM (
      SELECT r.* FROM {s}.mailbox_rows r WHERE r.device_row = q.mailbox AND r.sequence > q_after[q.i] ORDER BY r.sequence LIMIT q_limit[q.i]
    ) m LEFT JOIN {s}.bodies b ON b.body_id = m.body_id
  ) c WHERE c.place = 1 OR c.total <= q_bytes[q.i]
  ORDER BY q.i, c.sequence;
END
$function$;
`
