import type { Migration } from '../migrations/plan.js'
import { MAILBOX_READ, MAILBOX_WRITE } from './mailbox-functions.js'

const TABLES = `
CREATE TABLE {s}.kept (name text PRIMARY KEY, value bytea NOT NULL);

CREATE TABLE {s}.logins (
  login_id text PRIMARY KEY, phone_hash bytea NOT NULL, code_mac bytea NOT NULL, expires_at bigint NOT NULL,
  tries int NOT NULL DEFAULT 0, redeemed_hash bytea, grace_until bigint
);
CREATE INDEX logins_by_expiry ON {s}.logins (expires_at);
CREATE INDEX logins_by_phone ON {s}.logins (phone_hash);
CREATE TABLE {s}.sendings (phone_hash bytea NOT NULL, time bigint NOT NULL);
CREATE INDEX sendings_by_phone ON {s}.sendings (phone_hash, time);
CREATE INDEX sendings_by_time ON {s}.sendings (time);
CREATE TABLE {s}.registrations (hash bytea PRIMARY KEY, account_id bytea NOT NULL, expires_at bigint NOT NULL);
CREATE INDEX registrations_by_expiry ON {s}.registrations (expires_at);
CREATE INDEX registrations_by_account ON {s}.registrations (account_id);

CREATE TABLE {s}.accounts (
  account_id bytea PRIMARY KEY, phone_hash bytea NOT NULL UNIQUE, reserved_until bigint NOT NULL, next_device_id bigint NOT NULL,
  manifest_version bigint NOT NULL DEFAULT 0, manifest_hash bytea, profile_version bigint, profile bytea
);
CREATE INDEX accounts_reserved ON {s}.accounts (reserved_until) WHERE manifest_version = 0;
CREATE TABLE {s}.manifests (account_id bytea NOT NULL, version bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (account_id, version));
CREATE TABLE {s}.devices (
  device_row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id bytea NOT NULL, device_id bigint NOT NULL, signing_key bytea NOT NULL,
  signed_id bigint, signed bytea, last_resort_id bigint, last_resort bytea, highest_one_time bigint NOT NULL DEFAULT 0,
  UNIQUE (account_id, device_id)
);
CREATE TABLE {s}.one_time_prekeys (device_row bigint NOT NULL, key_id bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (device_row, key_id));

CREATE TABLE {s}.sessions (session_id text PRIMARY KEY, device_row bigint NOT NULL);
CREATE INDEX sessions_by_device ON {s}.sessions (device_row);
CREATE TABLE {s}.refresh_tokens (hash bytea PRIMARY KEY, session_id text NOT NULL, expires_at bigint NOT NULL, successor bytea, sealed_successor bytea);
CREATE INDEX refresh_tokens_by_session ON {s}.refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_expiry ON {s}.refresh_tokens (expires_at);

-- A mailbox is numbered without gaps: a head, which appends lock, and a tail, which deletions lock; so neither waits for the other.
CREATE TABLE {s}.mailbox_heads (device_row bigint PRIMARY KEY, last_sequence bigint NOT NULL) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE {s}.mailbox_tails (device_row bigint PRIMARY KEY, acknowledged bigint NOT NULL) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE {s}.mailbox_rows (
  device_row bigint NOT NULL, sequence bigint NOT NULL, time bigint NOT NULL, sender_account bytea NOT NULL, sender_device bigint NOT NULL,
  envelope bytea NOT NULL, body_id bigint, PRIMARY KEY (device_row, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX mailbox_rows_by_time ON {s}.mailbox_rows (time);
CREATE INDEX mailbox_rows_by_body ON {s}.mailbox_rows (body_id) WHERE body_id IS NOT NULL;
CREATE SEQUENCE {s}.body_ids;
CREATE TABLE {s}.bodies (body_id bigint PRIMARY KEY, bytes bytea NOT NULL);
-- Ciphertext does not compress.
ALTER TABLE {s}.mailbox_rows ALTER COLUMN envelope SET STORAGE EXTERNAL;
ALTER TABLE {s}.bodies ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TABLE {s}.sends (device_row bigint NOT NULL, send_id bytea NOT NULL, time bigint NOT NULL, PRIMARY KEY (device_row, send_id));
CREATE INDEX sends_by_time ON {s}.sends (time);
`

const LINKS = `
CREATE TABLE {s}.links (link_id text PRIMARY KEY, kem_key bytea NOT NULL, expires_at bigint NOT NULL, answer bytea, confirmation bytea, manifest bytea);
CREATE INDEX links_by_expiry ON {s}.links (expires_at);
ALTER TABLE {s}.registrations ADD COLUMN device_id bigint;
`

const OWN_DEVICES = `
ALTER TABLE {s}.links ADD COLUMN handover bytea;
ALTER TABLE {s}.devices ADD COLUMN seen_at bigint;
ALTER TABLE {s}.registrations ADD COLUMN unlocked boolean NOT NULL DEFAULT false;
CREATE TABLE {s}.registration_locks (
  account_id bytea PRIMARY KEY, salt bytea NOT NULL, mac bytea NOT NULL, since bigint NOT NULL, tries int NOT NULL, tries_since bigint NOT NULL
);
`

/** `expires_at`: of a transfer's segment, and then only read as one. */
const ARCHIVES = `
CREATE TABLE {s}.backup_manifests (account_id bytea PRIMARY KEY, version bigint NOT NULL, bytes bytea);
CREATE TABLE {s}.archive_segments (
  account_id bytea NOT NULL, archive_id bytea NOT NULL, number bigint NOT NULL, length bigint NOT NULL, expires_at bigint, bytes bytea NOT NULL,
  PRIMARY KEY (account_id, archive_id, number)
);
CREATE INDEX archive_segments_by_account ON {s}.archive_segments (account_id) INCLUDE (length);
CREATE INDEX archive_segments_by_expiry ON {s}.archive_segments (expires_at) WHERE expires_at IS NOT NULL;
-- Ciphertext does not compress.
ALTER TABLE {s}.archive_segments ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE {s}.backup_manifests ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TABLE {s}.history_transfers (
  account_id bytea NOT NULL, transfer_id bytea NOT NULL, expires_at bigint NOT NULL, PRIMARY KEY (account_id, transfer_id)
);
CREATE INDEX history_transfers_by_expiry ON {s}.history_transfers (expires_at);
`

const LEASES = 'CREATE TABLE {s}.leases (device_row bigint PRIMARY KEY, current bytea NOT NULL, before bytea NOT NULL, kept boolean NOT NULL)'

/** Times are milliseconds UTC. Functions carry the version of their signature in the name: a newer one is added beside an older. */
export const MIGRATIONS: readonly Migration[] = [
  { name: 'tables', sql: TABLES + MAILBOX_WRITE + MAILBOX_READ, compatible: false },
  { name: 'links and invitations', sql: LINKS, compatible: false },
  // A node of the version before would let pass whom a lock stops.
  { name: 'own devices and registration locks', sql: OWN_DEVICES, compatible: false },
  { name: 'archives', sql: ARCHIVES, compatible: false },
  // A server of the version before would leave the row of a revoked device behind.
  { name: 'leases', sql: LEASES, compatible: false },
]
