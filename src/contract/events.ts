import type { JsonObject } from './json.ts';

/** A place in the log of all runs: right after this event. `tx` counts transactions, as decimal text. */
export interface LogPosition {
  tx: string;
  run_id: string;
  seq: number;
}

/** One entry of the log of all runs. */
export interface LoggedEvent extends LogPosition {
  project_id: string;
  type: string;
  /** RFC 3339. */
  time: string;
  data: JsonObject;
}

/** An event as it leaves the product: CloudEvents 1.0, structured mode. */
export interface CloudEvent {
  specversion: '1.0';
  /** `<run id>:<seq>`: the same at every delivery. */
  id: string;
  source: string;
  /** `orchestrator.` and the event's type. */
  type: string;
  /** The run. */
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  projectid: string;
  /** The event's number within its run, of a width that sorts as text. */
  sequence: string;
  data: JsonObject;
}

export const CLOUD_EVENT_MEDIA_TYPE = 'application/cloudevents+json';

/** A place all events are sent to, such as a broker. */
export interface EventTarget {
  /** Under which the log remembers how far it has come. */
  name: string;
  /** Resolves when the far side has all of them, in this order; what fails is sent again, from the first one on. */
  publish(events: readonly CloudEvent[]): Promise<void>;
  close(): Promise<void>;
}
