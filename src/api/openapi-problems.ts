import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { ERROR_CATALOGUE } from '../contract/errors.ts';
import { PROBLEM_MEDIA_TYPE, STATUS_OF_FAMILY } from './error-handler.ts';
import type { Route } from './route.ts';
import { problem } from './schemas/conventions.ts';

const WITH_RETRY_AFTER = new Set([429, 503]);

/** One shared response per error status, naming the codes it can carry. */
export function problemResponses(): Record<string, ZodOpenApiResponseObject> {
  const statuses = [...new Set(Object.values(STATUS_OF_FAMILY))].sort((a, b) => a - b);
  return Object.fromEntries(statuses.map((status) => [String(status), problemResponse(status)]));
}

function problemResponse(status: number): ZodOpenApiResponseObject {
  const codes = Object.entries(ERROR_CATALOGUE).filter(
    ([, { family }]) => STATUS_OF_FAMILY[family] === status,
  );
  const retry_after = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' as const } } };
  return {
    description: codes.map(([code, { title }]) => `\`${code}\`: ${title}`).join(' '),
    ...(WITH_RETRY_AFTER.has(status) ? { headers: retry_after } : {}),
    content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } },
  };
}

/** The error statuses that the pipeline may answer on this route, whatever its handler does. */
export function problemStatuses(row: Route): number[] {
  if (row.unmetered) return [400, 422, 500];
  const is_write = row.method !== 'get' && row.method !== 'head';
  const statuses = [400, 404, 422, 429, 500, 503];
  if (!row.public || row.takes_token) statuses.push(401);
  if (is_write) statuses.push(403, 409, 412, 413, 415, 428);
  // Anybody in the project may read what names no role.
  else if (row.role !== undefined || row.permission !== undefined) statuses.push(403);
  return statuses.sort((a, b) => a - b);
}
