import { z } from 'zod';
import { STEP_STATES } from '../../contract/run.ts';
import { page } from './conventions.ts';
import { measures } from './external-runs.ts';

const metricPoint = z
  .object({ beat: z.int().meta({ description: 'Which heartbeat, from 1.' }), ...measures })
  .meta({ id: 'MetricPoint' });

const ms = z.number().min(0);
const count = z.int().min(0);

const runFigures = z
  .object({
    queued_ms: ms.meta({ description: 'From the request to the first task.' }),
    duration_ms: ms.nullable().meta({ description: 'Since the first task; null before it.' }),
    busy_ms: ms.meta({ description: 'What the steps took, one added to the other.' }),
    steps: z
      .partialRecord(z.enum(STEP_STATES), count)
      .meta({ description: 'Steps, items of maps among them, by how their newest attempt stands.' }),
    attempts: count,
    retries: count.meta({ description: 'Attempts beyond the first of their step.' }),
    reused: count.meta({ description: 'Steps taken over from the run it was forked from.' }),
    events: count,
    slowest: z.array(
      z.object({
        node: z.string(),
        item: z.int().nullable(),
        attempt: z.int(),
        state: z.enum(STEP_STATES),
        duration_ms: ms,
      }),
    ),
  })
  .meta({ id: 'RunFigures' });

export const runMetrics = page(metricPoint).extend({ figures: runFigures }).meta({ id: 'RunMetrics' });
