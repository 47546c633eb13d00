import type { Definition, Schedule } from '../../contract/definition.ts';
import { canonicalJson } from '../../language/canonical-json.ts';
import { derivedId } from './derived-id.ts';

/** A schedule of a live definition, with defaults filled in. */
export interface PlannedSchedule extends Required<Omit<Schedule, 'input'>> {
  id: string;
}

interface Owner {
  project_id: string;
  workflow: string;
}

type Document = Pick<Definition, 'schedules'>;

/** What Temporal missed while it was away is made up for, unless it is a day late. */
const CATCH_UP_SECONDS = 86_400;

/** The schedules of the definition that is live for a workflow. */
export function plannedSchedules(owner: Owner, definition: Document): PlannedSchedule[] {
  return identified(owner, definition).map(({ id, schedule }) => {
    const { cron, time_zone = 'UTC', overlap = 'skip', catch_up_seconds = CATCH_UP_SECONDS } = schedule;
    return { id, cron, time_zone, overlap, catch_up_seconds };
  });
}

/** The schedule of this id as the definition has it; undefined when it has none. */
export function scheduleWithId(owner: Owner, definition: Document, id: string): Schedule | undefined {
  return identified(owner, definition).find((one) => one.id === id)?.schedule;
}

/** What a run of this schedule is started with: as it is written, an expression in it is text. */
export const inputOf = ({ input = {} }: Schedule) => input;

/**
 * What makes a schedule the same one from version to version is when it fires and with what. Order, overlap policy and
 * catch-up window may change, and a pause by an operator stays with it; another time or input is another schedule. Of
 * several that are equal, each has a number.
 */
function identified({ project_id, workflow }: Owner, { schedules = [] }: Document) {
  const seen = new Map<string, number>();
  return schedules.map((schedule) => {
    const { cron, time_zone = 'UTC' } = schedule;
    const content = canonicalJson({ cron, time_zone, input: inputOf(schedule) });
    const number = (seen.get(content) ?? 0) + 1;
    seen.set(content, number);
    return { id: derivedId('schedule', project_id, workflow, content, String(number)), schedule };
  });
}
