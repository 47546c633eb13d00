import { sqlState } from '../persistence/db.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';

/**
 * Opens the run with an id that was derived from what asks for it, or answers the one that is there. However many ask at
 * once, the key of the table lets one of them open it.
 */
export async function openOnce(
  runs: Pick<RunRepository, 'findAny'>,
  id: string,
  open: () => Promise<RunRow>,
): Promise<{ run: RunRow; is_new: boolean }> {
  const there = await runs.findAny(id);
  if (there) return { run: there, is_new: false };
  try {
    return { run: await open(), is_new: true };
  } catch (error) {
    const first = sqlState(error)?.constraint === 'run_pkey' ? await runs.findAny(id) : undefined;
    if (first) return { run: first, is_new: false };
    throw error;
  }
}
