import type { CloudEvent, LoggedEvent } from '../../contract/events.ts';

const SEQUENCE_DIGITS = 10;

/** An event of a run as it leaves the product. `source` names the installation. */
export function cloudEventOf(event: LoggedEvent, source: string): CloudEvent {
  const { run_id, seq, type, time, project_id, data } = event;
  return {
    specversion: '1.0',
    id: eventIdOf(event),
    source,
    type: `orchestrator.${type}`,
    subject: run_id,
    time,
    datacontenttype: 'application/json',
    projectid: project_id,
    sequence: String(seq).padStart(SEQUENCE_DIGITS, '0'),
    data,
  };
}

/** The id of an event everywhere outside: `<run id>:<seq>`. */
export const eventIdOf = ({ run_id, seq }: { run_id: string; seq: number }): string => `${run_id}:${seq}`;
