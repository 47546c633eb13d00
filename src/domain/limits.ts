import type { LimitPosition, LimitRepository, LimitRow } from '../persistence/flow-limits.ts';

export interface LimitPage {
  items: LimitRow[];
  next?: LimitPosition;
}

/** What operators see of limits: each key that open runs have, with who holds it and who waits. */
export function limitService({ limits }: { limits: LimitRepository }) {
  return {
    async list(project_id: string, page: { limit: number; after?: LimitPosition }): Promise<LimitPage> {
      const rows = await limits.list(project_id, page.limit + 1, page.after);
      const shown = rows.slice(0, page.limit);
      const last = rows.length > page.limit ? shown.at(-1) : undefined;
      const items = shown.map(({ digest: _digest, ...row }) => row);
      return { items, ...(last && { next: { kind: last.kind, digest: last.digest } }) };
    },
  };
}

export type LimitService = ReturnType<typeof limitService>;
