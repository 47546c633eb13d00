import { sleep } from '@temporalio/workflow';
import { dag as original } from '../../workflows/dag.ts';

/** The interpreter with a timer in front that no recorded history has. */
export async function dag(input: Parameters<typeof original>[0]): ReturnType<typeof original> {
  await sleep(1);
  return original(input);
}
