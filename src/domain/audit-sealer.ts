import type { AuditSealRepository } from '../persistence/audit-seal.ts';
import { EMPTY_CHAIN, sealsOf } from './rules/audit-chain.ts';

export interface AuditSealer {
  /** Seals what waits, in every scope that no other process is at; says how many. */
  sweep(): Promise<number>;
}

const SCOPES = 100;
const BATCH = 1_000;

/** Puts entries into their chains. Any number of processes may: of a scope, one at a time does. */
export function auditSealer({ rows }: { rows: AuditSealRepository }): AuditSealer {
  const sealSome = (scope: string) =>
    rows.seal(scope, BATCH, (head, entries) => sealsOf(head ?? EMPTY_CHAIN, entries));

  async function sealAll(scope: string): Promise<number> {
    let total = 0;
    for (let count = BATCH; count === BATCH; total += count) count = await sealSome(scope);
    return total;
  }

  return {
    async sweep() {
      let total = 0;
      for (const scope of await rows.scopes(SCOPES)) total += await sealAll(scope);
      return total;
    },
  };
}
