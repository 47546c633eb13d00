import type { AuditEntry, ChainHead, SealedEntry } from '../contract/audit.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { AuditFilter, AuditPosition, AuditRepository, ChainRange } from '../persistence/audit.ts';
import { type ChainFault, EMPTY_CHAIN, followed, plainEntry } from './rules/audit-chain.ts';
import { type Page, page } from './tags.ts';

export type { AuditPosition } from '../persistence/audit.ts';

export interface Verification {
  scope: string;
  /** How many are as they were sealed, one after the other. */
  entries: number;
  /** The last of them. */
  head: ChainHead;
  intact: boolean;
  first_broken: { seq: number; reason: ChainFault['reason'] | 'expected_hash_missing' } | null;
  /** How many have no place yet. */
  unsealed: number;
}

export interface VerifyRequest {
  scope: string;
  from_seq: number;
  /** Of a head that somebody kept. */
  expected_hash?: string;
  signal: AbortSignal;
}

export type AuditService = ReturnType<typeof auditService>;

const BATCH = 500;

/** The audit log, for those who read it. */
export function auditService({ rows }: { rows: AuditRepository }) {
  /** Batch by batch, so that a long chain takes no memory. */
  async function* chain(range: ChainRange): AsyncGenerator<SealedEntry[]> {
    for (let { from_seq } = range; from_seq <= range.to_seq;) {
      const batch = await rows.chain({ ...range, from_seq }, BATCH);
      if (batch.length === 0) return;
      yield batch;
      from_seq = batch.at(-1)!.seal.seq + 1;
    }
  }

  /** What the entry `from_seq` comes after; a fault when that is not there. */
  async function startOf(scope: string, from_seq: number): Promise<ChainHead | ChainFault> {
    if (from_seq === 1) return EMPTY_CHAIN;
    const seq = from_seq - 1;
    const [before] = await rows.chain({ scope, from_seq: seq, to_seq: seq }, 1);
    return before ? { seq, hash: before.seal.hash } : { seq, reason: 'entry_missing' };
  }

  return {
    /** Newest first, after `page.after`. */
    async list(
      scope: string,
      filter: AuditFilter,
      { after, limit }: { after?: AuditPosition; limit: number },
    ): Promise<Page<AuditEntry, AuditPosition>> {
      const found = await rows.list(scope, filter, { after, limit: limit + 1 });
      return page(found, limit, ({ at, id }) => ({ at, id }));
    },

    /**
     * Walks a chain to the entry that was its last one when this began, or to the first that is not as it was sealed. A kept
     * hash must be met on the way, that of the entry before the first one included: then nothing up to it was changed or cut off.
     */
    async verify({ scope, from_seq, expected_hash, signal }: VerifyRequest): Promise<Verification> {
      // Counted before: what is sealed in between is in both, and in neither nothing.
      const unsealed = await rows.countUnsealed(scope);
      const end = (await rows.head(scope)) ?? EMPTY_CHAIN;
      const start = await startOf(scope, from_seq);
      const walk = newWalk(start, from_seq, expected_hash);
      for await (const batch of chain({ scope, from_seq, to_seq: end.seq })) {
        if (signal.aborted) throw new AppError('shutting_down');
        if (!batch.every((entry) => walk.goOn(entry))) break;
      }
      return { scope, ...walk.end(), unsealed };
    },

    /** The entries of a part of a chain, one JSON object per line, and a last line that says what there was. */
    async *export({ scope, from_seq, to_seq }: Omit<ChainRange, 'to_seq'> & { to_seq?: number }) {
      const last = Math.min(to_seq ?? Infinity, (await rows.head(scope))?.seq ?? 0);
      let entries = 0;
      let head: ChainHead | null = null;
      for await (const batch of chain({ scope, from_seq, to_seq: last })) {
        entries += batch.length;
        const { seq, hash } = batch.at(-1)!.seal;
        head = { seq, hash };
        yield Buffer.from(batch.map((entry) => `${JSON.stringify(viewEntry(entry))}\n`).join(''));
      }
      yield Buffer.from(`${JSON.stringify({ summary: { scope, entries, head } })}\n`);
    },
  };
}

/** An entry as everybody outside sees it. */
export function viewEntry({ seal, ...entry }: AuditEntry): JsonObject {
  const { seq = null, previous_hash = null, hash = null } = seal ?? {};
  return { ...plainEntry(entry), seq, previous_hash, hash };
}

function newWalk(start: ChainHead | ChainFault, from_seq: number, expected_hash: string | undefined) {
  let fault: Verification['first_broken'] = 'reason' in start ? start : null;
  let head: ChainHead = 'reason' in start ? { seq: from_seq - 1, hash: EMPTY_CHAIN.hash } : start;
  let entries = 0;
  let is_met = expected_hash === undefined || head.hash === expected_hash;
  return {
    /** False when there is no going on. */
    goOn(entry: SealedEntry): boolean {
      if (fault) return false;
      const next = followed(head, entry);
      if ('reason' in next) fault = next;
      else {
        head = next;
        entries += 1;
        is_met ||= next.hash === expected_hash;
      }
      return fault === null;
    },
    end() {
      if (!is_met) fault ??= { seq: head.seq + 1, reason: 'expected_hash_missing' };
      return { entries, head, intact: fault === null, first_broken: fault };
    },
  };
}
