/** What concerns no project is filed under this. */
export const INSTALLATION_SCOPE = '00000000-0000-0000-0000-000000000000';

/** What a request leaves in the audit log. */
export interface AuditNote {
  /** A project, or `INSTALLATION_SCOPE`. */
  scope: string;
  /** Who: the id of the caller. */
  principal: string;
  /** With what, of somebody who may have several: `api_key:<id>`, `session:<id>`, `identity:<id>`; null for the rest. */
  credential: string | null;
  /** What: the documented route, `POST /workflows/{ref}/deploy`. */
  action: string;
  /** To what: the path as it was called, without its query. */
  target: string;
  /** What was answered. */
  status: number;
  request_id: string;
  /** From where: the other end of the connection. */
  address: string;
  user_agent: string | null;
  /** `sha256:<hex>` of the body; null when there was none, when it was streamed, and when it is a secret. */
  body_digest: string | null;
  /** The answer was that of an earlier request with this idempotency key. */
  replayed: boolean;
}

/** An entry's place in the chain of its scope. */
export interface AuditSeal {
  /** From 1, without a gap. */
  seq: number;
  /** `hash` of the entry before; 64 zeros for the first one. */
  previous_hash: string;
  /** SHA-256 of the canonical JSON of all other fields, in hexadecimal. */
  hash: string;
}

/** An entry of the log. Those of the last moment are not sealed yet. */
export interface AuditEntry extends AuditNote {
  id: string;
  /** By the clock of the database. */
  at: Date;
  seal: AuditSeal | null;
}

export interface SealedEntry extends AuditEntry {
  seal: AuditSeal;
}

/** The last entry of a chain, or of the part of it that was looked at. */
export type ChainHead = Pick<AuditSeal, 'seq' | 'hash'>;
