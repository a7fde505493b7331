import type { Migration } from '../migrations/plan.js'

const TABLES = `
  CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE logins (
    login_id TEXT PRIMARY KEY, phone_hash BLOB NOT NULL, code_mac BLOB NOT NULL, expires_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, redeemed_hash BLOB, grace_until INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX logins_by_expiry ON logins (expires_at);
  CREATE INDEX logins_by_phone ON logins (phone_hash);
  CREATE TABLE sendings (phone_hash BLOB NOT NULL, time INTEGER NOT NULL);
  CREATE INDEX sendings_by_phone ON sendings (phone_hash, time);
  CREATE INDEX sendings_by_time ON sendings (time);
  CREATE TABLE registrations (hash BLOB PRIMARY KEY, account_id BLOB NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX registrations_by_expiry ON registrations (expires_at);
  CREATE INDEX registrations_by_account ON registrations (account_id);

  CREATE TABLE accounts (
    account_id BLOB PRIMARY KEY, phone_hash BLOB NOT NULL UNIQUE, reserved_until INTEGER NOT NULL, next_device_id INTEGER NOT NULL,
    manifest_version INTEGER NOT NULL DEFAULT 0, manifest_hash BLOB, profile_version INTEGER, profile BLOB
  );
  CREATE INDEX accounts_reserved ON accounts (reserved_until) WHERE manifest_version = 0;
  CREATE TABLE manifests (account_id BLOB NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (account_id, version)) WITHOUT ROWID;
  CREATE TABLE devices (
    device_row INTEGER PRIMARY KEY AUTOINCREMENT, account_id BLOB NOT NULL, device_id INTEGER NOT NULL, signing_key BLOB NOT NULL,
    signed_id INTEGER, signed BLOB, last_resort_id INTEGER, last_resort BLOB, highest_one_time INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, device_id)
  );
  CREATE TABLE one_time_prekeys (device_row INTEGER NOT NULL, key_id INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (device_row, key_id)) WITHOUT ROWID;

  CREATE TABLE sessions (session_id TEXT PRIMARY KEY, device_row INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX sessions_by_device ON sessions (device_row);
  CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY, session_id TEXT NOT NULL, expires_at INTEGER NOT NULL, successor BLOB, sealed_successor BLOB, grace_until INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
  CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

  CREATE TABLE mailbox_rows (
    sequence INTEGER PRIMARY KEY, device_row INTEGER NOT NULL, time INTEGER NOT NULL, sender_account BLOB NOT NULL, sender_device INTEGER NOT NULL,
    envelope BLOB NOT NULL, body_id INTEGER
  );
  CREATE INDEX mailbox_rows_by_device ON mailbox_rows (device_row, sequence);
  CREATE INDEX mailbox_rows_by_body ON mailbox_rows (body_id) WHERE body_id IS NOT NULL;
  CREATE TABLE bodies (body_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE sends (number INTEGER PRIMARY KEY, device_row INTEGER NOT NULL, send_id BLOB NOT NULL, time INTEGER NOT NULL, UNIQUE (device_row, send_id));
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `

const LINKS = `
  CREATE TABLE links (
    link_id TEXT PRIMARY KEY, kem_key BLOB NOT NULL, expires_at INTEGER NOT NULL, answer BLOB, confirmation BLOB, manifest BLOB
  ) WITHOUT ROWID;
  CREATE INDEX links_by_expiry ON links (expires_at);
  ALTER TABLE registrations ADD COLUMN device_id INTEGER;
  `

const OWN_DEVICES = `
  ALTER TABLE links ADD COLUMN handover BLOB;
  ALTER TABLE devices ADD COLUMN seen_at INTEGER;
  ALTER TABLE registrations ADD COLUMN unlocked INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE registration_locks (
    account_id BLOB PRIMARY KEY, salt BLOB NOT NULL, mac BLOB NOT NULL, since INTEGER NOT NULL, tries INTEGER NOT NULL, tries_since INTEGER NOT NULL
  ) WITHOUT ROWID;
  `

/** Segments carry their length beside the blob, in an index that covers the sums. `expires_at`: of a transfer's, and then only read as one. */
const ARCHIVES = `
  CREATE TABLE backup_manifests (account_id BLOB PRIMARY KEY, version INTEGER NOT NULL, bytes BLOB);
  CREATE TABLE archive_segments (
    account_id BLOB NOT NULL, archive_id BLOB NOT NULL, number INTEGER NOT NULL, length INTEGER NOT NULL, expires_at INTEGER, bytes BLOB NOT NULL,
    PRIMARY KEY (account_id, archive_id, number)
  );
  CREATE INDEX archive_segments_by_account ON archive_segments (account_id, expires_at, archive_id, number, length);
  CREATE INDEX archive_segments_by_expiry ON archive_segments (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE history_transfers (
    account_id BLOB NOT NULL, transfer_id BLOB NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (account_id, transfer_id)
  );
  CREATE INDEX history_transfers_by_expiry ON history_transfers (expires_at);
  `

const LEASES = 'CREATE TABLE leases (device_row INTEGER PRIMARY KEY, current BLOB NOT NULL, before BLOB NOT NULL, kept INTEGER NOT NULL)'

/** Account ids and hashes are BLOBs, times are milliseconds UTC. */
export const MIGRATIONS: readonly Migration[] = [
  { name: 'tables', sql: TABLES, compatible: false },
  // The successor of a used token is answered for as long as it is unused itself (docs/adr/0012), not for a time.
  { name: 'successors without a time', sql: 'ALTER TABLE refresh_tokens DROP COLUMN grace_until', compatible: false },
  { name: 'links and invitations', sql: LINKS, compatible: false },
  // A server of the version before would let pass whom a lock stops.
  { name: 'own devices and registration locks', sql: OWN_DEVICES, compatible: false },
  { name: 'archives', sql: ARCHIVES, compatible: false },
  // A server of the version before would leave the row of a revoked device behind.
  { name: 'leases', sql: LEASES, compatible: false },
]
