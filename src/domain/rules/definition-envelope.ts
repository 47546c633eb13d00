import type { Problem } from '../../contract/errors.ts';
import { cronProblem } from './cron.ts';
import { jsonSchema } from './definition-config.ts';
import { any, integer, isRecord, listOf, mapOf, number, oneOf, record, text } from './definition-shape.ts';
import type { Check, Site } from './definition-shape.ts';
import { compileSchema, schemaProblems } from './json-schema.ts';

const label = text({ min: 1, max: 200 });
// eslint-disable-next-line no-control-regex
const NAME = /^(?=.*\S)[^\u0000-\u001f\u007f]{1,200}$/u;

const version: Check = (value, site) => {
  if (value !== 1) site.report('must be 1');
};

const schedule = record(
  {
    cron,
    time_zone: timeZone,
    input: any,
    overlap: oneOf(['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all']),
    catch_up_seconds: integer(0, 31_536_000),
  },
  ['cron'],
);

const envelope = record(
  {
    schema_version: version,
    name: text({
      min: 1,
      max: 200,
      pattern: NAME,
      like: 'must have a visible character and no control characters',
    }),
    description: text({ max: 10_000 }),
    input_schema: jsonSchema,
    params: mapOf(any),
    params_schema: jsonSchema,
    // Checked node by node, by `definition-nodes`.
    nodes: mapOf(any),
    output: any,
    files: mapOf(any, text({ min: 1, max: 500 })),
    schedules: listOf(schedule, { max: 100 }),
    triggers: listOf(record({ name: label, secret_ref: label }, ['name']), { max: 100 }),
    concurrency: record(
      {
        key: text({ min: 1 }),
        limit: integer(1, 10_000),
        on_limit: oneOf(['queue', 'reject', 'cancel_oldest']),
      },
      ['limit'],
    ),
    rate_limit: record({ key: text({ min: 1 }), per_second: number({ above: 0, max: 10_000 }) }, [
      'per_second',
    ]),
    start_policy: record({
      id: text({ min: 1 }),
      on_conflict: oneOf(['fail', 'use_existing', 'terminate_existing']),
    }),
  },
  ['schema_version', 'name', 'nodes'],
);

/** The fields of the document itself, and `params` against `params_schema`. */
export function checkEnvelope(document: unknown, site: Site): void {
  envelope(document, site);
  if (!isRecord(document)) return;
  checkNamesOnce(document['triggers'], site.at('triggers'));
  for (const problem of paramsProblems(document)) {
    const tokens = problem.path.split('/').slice(1);
    const at = tokens.reduce((place, token) => place.at(unescapeToken(token)), site.at('params'));
    at.report(problem.message);
  }
}

function paramsProblems(document: Record<string, unknown>): Problem[] {
  const { params = {}, params_schema: schema } = document;
  if (schema === undefined || !isRecord(params) || schemaProblems(schema).length > 0) return [];
  return compileSchema(schema)(params);
}

function checkNamesOnce(triggers: unknown, site: Site): void {
  if (!Array.isArray(triggers)) return;
  const names = triggers.map((trigger: unknown) => (isRecord(trigger) ? trigger['name'] : undefined));
  names.forEach((name, i) => {
    if (name !== undefined && names.indexOf(name) < i) site.at(i).at('name').report('is used twice');
  });
}

function cron(value: unknown, site: Site): void {
  text({ min: 1, max: 200 })(value, site);
  const problem = typeof value === 'string' ? cronProblem(value) : undefined;
  if (problem !== undefined) site.report(problem);
}

function timeZone(value: unknown, site: Site): void {
  try {
    if (typeof value !== 'string') throw new RangeError('not a string');
    new Intl.DateTimeFormat('en', { timeZone: value });
  } catch {
    site.report('must be an IANA time zone');
  }
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
