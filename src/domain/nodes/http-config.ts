import { HTTP_METHODS, type HttpMethod } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

/** The evaluated config of an `http` node, checked. */
export interface HttpCall {
  method: HttpMethod;
  url: string;
  /** Lower case. */
  headers: Record<string, string>;
  body: string | null;
  /** Statuses that succeed; undefined for every one below 400. */
  expect_status: number[] | undefined;
}

type Scalar = string | number | boolean;

/** Says what is wrong with a config and where; never repeats a value, which may be a secret. */
export class ConfigProblem extends Error {
  override readonly name = 'ConfigProblem';
}

/** Reads a config whose expressions are evaluated, so any JSON may stand anywhere. Throws `ConfigProblem`. */
export function readHttpConfig(config: JsonObject): HttpCall {
  const method = methodOf(config.method);
  const headers = headersOf(config.headers);
  const body = bodyOf(config.body);
  if (body !== null && (method === 'GET' || method === 'HEAD'))
    throw new ConfigProblem(`A ${method} request has no body.`);
  const typed =
    typeof config.body === 'string' ? headers : { 'content-type': 'application/json', ...headers };
  return {
    method,
    url: urlOf(config.url, config.query),
    headers: body === null ? headers : typed,
    body,
    expect_status: statusesOf(config.expect_status),
  };
}

function methodOf(value: Json = 'GET'): HttpMethod {
  const method = HTTP_METHODS.find((name) => typeof value === 'string' && name === value.toUpperCase());
  if (!method) throw new ConfigProblem(`"method" must be one of ${HTTP_METHODS.join(', ')}.`);
  return method;
}

function urlOf(value: Json | undefined, query: Json | undefined): string {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new ConfigProblem('"url" must be an absolute URL.');
  const url = new URL(value);
  for (const [name, given] of membersOf('query', query)) {
    const values = Array.isArray(given) ? given : [given];
    // Null is "not given": `default(x, null)` must not send the word "null".
    for (const one of values)
      if (one !== null) url.searchParams.append(name, String(scalar(`query.${name}`, one)));
  }
  return url.href;
}

function headersOf(value: Json | undefined): Record<string, string> {
  const given = membersOf('headers', value).filter(([, one]) => one !== null);
  const headers = given.map(
    ([name, one]) => [name.toLowerCase(), String(scalar(`headers.${name}`, one))] as const,
  );
  if (new Set(headers.map(([name]) => name)).size < headers.length) {
    throw new ConfigProblem('"headers" has a name twice, in upper and lower case.');
  }
  return Object.fromEntries(headers);
}

function bodyOf(value: Json = null): string | null {
  if (value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function statusesOf(value: Json = null): number[] | undefined {
  if (value === null) return undefined;
  const statuses = Array.isArray(value) ? value : [value];
  if (statuses.length === 0 || !statuses.every(isStatus)) {
    throw new ConfigProblem('"expect_status" must be a status code (100 to 599) or a list of them.');
  }
  return statuses;
}

function isStatus(value: Json): value is number {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599;
}

function membersOf(name: string, value: Json = null): [string, Json][] {
  if (value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigProblem(`"${name}" must be an object.`);
  return Object.entries(value);
}

function scalar(name: string, value: Json): Scalar {
  if (value === null || typeof value === 'object') {
    throw new ConfigProblem(`"${name.slice(0, 100)}" must be text, a number or a boolean.`);
  }
  return value;
}
