import { HTTP_METHODS } from '../../contract/definition.ts';
import type { NodeType } from '../../contract/definition.ts';
import { RUN_TYPES } from '../../contract/run.ts';
import { CODE_LANGUAGES } from '../../contract/sandbox.ts';
import {
  any,
  flag,
  integer,
  isRecord,
  listOf,
  mapOf,
  number,
  oneOf,
  orExpression,
  record,
  text,
} from './definition-shape.ts';
import type { Check, Site } from './definition-shape.ts';
import { schemaProblems } from './json-schema.ts';

const YEAR_SECONDS = 31_536_000;
const MAX_LIMIT = Number.MAX_SAFE_INTEGER;

/** Seconds something may take; up to a year. */
export const seconds = number({ above: 0, max: YEAR_SECONDS });

const waiting = number({ min: 0, max: YEAR_SECONDS });
const name = text({ min: 1, max: 200 });
const scalar: Check = (value, site) => {
  if (typeof value === 'object') site.report('must be a string, a number, or true or false');
};
const limit = integer(1, MAX_LIMIT);
const status = integer(100, 599);

const limits = record({
  wall_ms: limit,
  cpu_ms: limit,
  memory_bytes: limit,
  processes: limit,
  file_bytes: limit,
  disk_bytes: limit,
  output_bytes: limit,
  artifact_bytes: limit,
});

const code = record(
  {
    language: oneOf(CODE_LANGUAGES),
    source: text({ max: 1_048_576 }),
    file: name,
    module: oneOf(['commonjs', 'esm']),
    args: orExpression(listOf(orExpression(scalar))),
    env: orExpression(
      mapOf(
        scalar,
        text({
          max: 200,
          pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
          like: 'is no name of an environment variable',
        }),
      ),
    ),
    stdin: any,
    limits,
  },
  ['language'],
);

const http = record(
  {
    method: orExpression(oneOf(HTTP_METHODS)),
    url: orExpression(
      text({ max: 8_192, pattern: /^https?:\/\/[^\s/?#]+/i, like: 'must be an http or https URL' }),
    ),
    headers: orExpression(
      mapOf(scalar, text({ max: 200, pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, like: 'is no header name' })),
    ),
    query: orExpression(
      mapOf((value, site) => (Array.isArray(value) ? listOf(scalar)(value, site) : scalar(value, site))),
    ),
    body: any,
    expect_status: orExpression((value, site) =>
      Array.isArray(value)
        ? listOf(orExpression(status), { min: 1, max: 100 })(value, site)
        : status(value, site),
    ),
  },
  ['url'],
);

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

const wait = record({
  duration_seconds: orExpression(waiting),
  until: orExpression(text({ max: 64, pattern: RFC_3339, like: 'must be an RFC 3339 date and time' })),
  event: name,
  timeout_seconds: orExpression(waiting),
  on_timeout: oneOf(['fail', 'continue']),
});

const approval = record(
  {
    prompt: text({ min: 1 }),
    form: jsonSchema,
    roles: listOf(name, { min: 1, max: 100 }),
    quorum: integer(1, 100),
    timeout_seconds: seconds,
    on_timeout: oneOf(['approve', 'reject']),
    forbid_self: flag,
  },
  ['prompt'],
);

const map = record(
  {
    items: any,
    // The body is checked as a node, by `definition-nodes`.
    node: any,
    max_parallel: integer(1, 1_000),
    on_item_error: oneOf(['fail', 'continue']),
  },
  ['items', 'node'],
);

const run = record({ workflow: name, type: name, input: any, params: any });
const agent = record({ capability: name, task: any, timeout_seconds: seconds }, ['capability', 'task']);

/** A node's config against the table of its type. `files` are the names a code node may run. */
export function checkConfig(type: NodeType, config: unknown, site: Site, files: ReadonlySet<string>): void {
  shapes[type](config, site);
  if (!isRecord(config)) return;
  if (type === 'code') {
    exactlyOne(config, ['source', 'file'], site);
    if (typeof config['file'] === 'string' && !files.has(config['file']))
      site.at('file').report('is not one of `files`');
  }
  if (type === 'run') {
    exactlyOne(config, ['workflow', 'type'], site);
    if (Object.hasOwn(config, 'type')) checkBuiltinType(config['type'], site.at('type'));
  }
  if (type === 'wait') checkWait(config, site);
}

function checkBuiltinType(type: unknown, site: Site): void {
  if (!isOneOf(RUN_TYPES, type) || type === 'dag')
    site.report(`must be one of ${RUN_TYPES.filter((one) => one !== 'dag').join(', ')}`);
}

const isOneOf = <T extends string>(all: readonly T[], value: unknown): value is T =>
  (all as readonly unknown[]).includes(value);

const shapes: Readonly<Record<NodeType, Check>> = {
  code,
  http,
  transform: record({ value: any }, ['value']),
  wait,
  approval,
  map,
  run,
  agent,
};

function checkWait(config: Record<string, unknown>, site: Site): void {
  exactlyOne(config, ['duration_seconds', 'until', 'event'], site);
  if (Object.hasOwn(config, 'event')) return;
  for (const field of ['timeout_seconds', 'on_timeout']) {
    if (Object.hasOwn(config, field)) site.at(field).report('only goes with `event`');
  }
}

function exactlyOne(config: Record<string, unknown>, fields: readonly string[], site: Site): void {
  if (fields.filter((field) => Object.hasOwn(config, field)).length === 1) return;
  site.report(`must have exactly one of ${fields.join(', ')}`);
}

/** A member that holds a JSON Schema 2020-12. */
export function jsonSchema(value: unknown, site: Site): void {
  for (const problem of schemaProblems(value)) {
    let at = site;
    for (const token of problem.path.split('/').slice(1))
      at = at.at(token.replaceAll('~1', '/').replaceAll('~0', '~'));
    at.report(problem.message);
  }
}
