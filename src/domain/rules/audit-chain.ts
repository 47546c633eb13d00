import { createHash } from 'node:crypto';
import type { AuditEntry, AuditSeal, ChainHead, SealedEntry } from '../../contract/audit.ts';
import type { JsonObject } from '../../contract/json.ts';
import { canonicalJson } from '../../language/canonical-json.ts';

/** Where a chain is broken, and how. */
export interface ChainFault {
  seq: number;
  /** No entry has this place; its link is not the entry before; it is not what was sealed. */
  reason: 'entry_missing' | 'link_broken' | 'entry_altered';
}

/** Before the first entry. */
export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** The seals of entries that come after `head`, in this order. */
export function sealsOf(head: ChainHead, entries: readonly AuditEntry[]): AuditSeal[] {
  let last = head;
  return entries.map((entry) => {
    const place = { seq: last.seq + 1, previous_hash: last.hash };
    const seal = { ...place, hash: entryHash(entry, place) };
    last = seal;
    return seal;
  });
}

/** The head of a chain that goes on with this entry, or what is wrong with that. */
export function followed(head: ChainHead, { seal, ...entry }: SealedEntry): ChainHead | ChainFault {
  const { seq, previous_hash, hash } = seal;
  if (seq !== head.seq + 1) return { seq: head.seq + 1, reason: 'entry_missing' };
  if (previous_hash !== head.hash) return { seq, reason: 'link_broken' };
  return hash === entryHash(entry, seal) ? { seq, hash } : { seq, reason: 'entry_altered' };
}

/** An entry as everybody outside sees it, and as it is hashed, but for `hash` itself. */
export function plainEntry(entry: Omit<AuditEntry, 'seal'>): JsonObject {
  const { id, scope, at, principal, credential, action, target, status } = entry;
  const { request_id, address, user_agent, body_digest, replayed } = entry;
  const who = { principal, credential, address, user_agent };
  const what = { action, target, status, request_id, body_digest, replayed };
  return { id, scope, at: at.toISOString(), ...who, ...what };
}

/** SHA-256 of the canonical JSON (RFC 8785) of all fields and the place, in hexadecimal. */
function entryHash(
  entry: Omit<AuditEntry, 'seal'>,
  { seq, previous_hash }: Pick<AuditSeal, 'seq' | 'previous_hash'>,
): string {
  const text = canonicalJson({ ...plainEntry(entry), seq, previous_hash });
  return createHash('sha256').update(text).digest('hex');
}
