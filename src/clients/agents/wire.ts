import { z } from 'zod';
import { AGENT_ID, AGENT_STATUSES, type Agent } from '../../contract/agent.ts';
import { CODE_LANGUAGES, type CodeLanguage } from '../../contract/sandbox.ts';

/** An agent as the manager knows it; a higher revision is a later state. */
export interface ManagedAgent extends Agent {
  revision: number;
}

const TASK_QUEUE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/;
/** No control characters: names are shown in logs and terminals. */
const TEXT = /^\P{Cc}*$/u;
const MANY = 1_000_000;

const text = z.string().max(200).regex(TEXT);
const instant = z.iso.datetime({ offset: true }).transform((at) => new Date(at));
const count = z.int().min(0).max(MANY);
const revision = z.int().min(0);
const id = z.string().regex(AGENT_ID);

const LANGUAGES: ReadonlySet<string> = new Set(CODE_LANGUAGES);
const languages = z
  .array(z.object({ language: text, version: text.optional() }))
  .max(100)
  .transform((all) =>
    all.flatMap(({ language, version }) =>
      LANGUAGES.has(language)
        ? [{ language: language as CodeLanguage, ...(version === undefined ? {} : { version }) }]
        : [],
    ),
  );

const record = z
  .object({
    id,
    revision,
    type: text.min(1).default('external'),
    name: text.min(1).optional(),
    status: z.enum(AGENT_STATUSES),
    capabilities: z.object({
      languages,
      isolation: z.enum(['namespaces', 'wasm', 'process']).nullable().catch(null),
      cores: z.int().min(1).max(MANY).default(1),
      memory_bytes: z.int().min(0).default(0),
    }),
    labels: z
      .record(text.min(1), text)
      .refine((labels) => Object.keys(labels).length <= 50)
      .default({}),
    load: z.number().min(0).max(MANY).optional(),
    running: count.default(0),
    slots: z.int().min(1).max(MANY).default(1),
    task_queue: z.string().regex(TASK_QUEUE),
    version: text.default(''),
    started_at: instant,
    last_heartbeat_at: instant,
    restarts: count.default(0),
    restart_requested_at: instant.nullable().default(null),
  })
  .transform(({ name, load, ...agent }): ManagedAgent => ({
    ...agent,
    name: name ?? agent.id,
    load: load ?? agent.running / agent.slots,
  }));

const page = z.object({
  agents: z.array(z.unknown()).max(100),
  next_cursor: z.string().min(1).max(512).nullable(),
});
const single = z.object({ agent: z.unknown() });
const event = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['hello', 'ping']) }),
  z.object({ type: z.literal('agent.updated'), agent: z.unknown() }),
  z.object({ type: z.literal('agent.removed'), id, revision }),
]);

export type ManagerPage = z.output<typeof page>;
export type ManagerEvent = z.output<typeof event>;

/** The agent a record means; undefined for one of another form. */
export const readAgent = (value: unknown): ManagedAgent | undefined => record.safeParse(value).data;

/** Whose record it is, where at least that can be read. */
export const idOf = (value: unknown): string | undefined => z.object({ id }).safeParse(value).data?.id;

/** Undefined for what is no page. Its records are not looked at. */
export const readPage = (value: unknown): ManagerPage | undefined => page.safeParse(value).data;

/** The record of an answer about one agent. */
export const readSingle = (value: unknown): unknown => single.safeParse(value).data?.agent;

const KNOWN_EVENTS = new Set<unknown>(['hello', 'ping', 'agent.updated', 'agent.removed']);

/** What a message of the socket means; `ignored` for one of a later protocol, undefined for what cannot be read. */
export function readEvent(message: string): ManagerEvent | 'ignored' | undefined {
  const value = jsonOf(message);
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
  if (typeof type === 'string' && !KNOWN_EVENTS.has(type)) return 'ignored';
  return event.safeParse(value).data;
}

/** Undefined for what is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
