import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import { z } from 'zod';
import { strictly } from './middleware/validate.ts';
import { problemResponses, problemStatuses } from './openapi-problems.ts';
import { requestHeaders } from './openapi-headers.ts';
import { documentedRoute, operationId } from './openapi-names.ts';
import type { Route, RouteResponse } from './route.ts';
import { problem } from './schemas/conventions.ts';

export interface OpenApiInfo {
  title: string;
  version: string;
  description?: string;
}

export type OpenApiDocument = oas31.OpenAPIObject;

/** The OpenAPI 3.1 document of a route table: paths as they are under `/api/v1`, root routes as they are. */
export function openApiDocument(routes: readonly Route[], info: OpenApiInfo): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const row of routes) {
    const path = documentedRoute(row);
    paths[path] = { ...paths[path], [row.method]: operation(row) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: { description: DESCRIPTION, ...info },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((row) => row.group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: problem },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: problemResponses(),
    },
  });
}

const DESCRIPTION =
  'Every path under `/api/v1` is served under `/api` too. Errors are RFC 9457 problem documents.';

function operation(row: Route): ZodOpenApiOperationObject {
  return {
    operationId: operationId(row),
    summary: row.summary,
    ...(row.role && { description: `Needs the role ${row.role}.` }),
    tags: [row.group],
    security: row.public ? (row.takes_token ? [{}, { bearer: [] }] : []) : [{ bearer: [] }],
    requestParams: requestParams(row),
    requestBody: requestBody(row),
    responses: responses(row),
  };
}

/** Absent parts must not even be named. */
function requestParams(row: Route) {
  const parts = { path: pathParams(row), query: queryParams(row), header: requestHeaders(row) };
  return Object.fromEntries(Object.entries(parts).filter(([, schema]) => schema !== undefined));
}

function pathParams(row: Route): z.ZodObject | undefined {
  const names = [...row.path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
  if (names.length === 0) return undefined;
  const declared = row.params ? asObject(row.params).shape : {};
  return z.object(Object.fromEntries(names.map((name) => [name, declared[name] ?? z.string().min(1)])));
}

function queryParams(row: Route): z.ZodObject | undefined {
  const own = row.query ? asObject(row.query) : undefined;
  if (row.root || row.public || row.installation) return own;
  return z.object({ project_id: PROJECT_ID, ...own?.shape });
}

const PROJECT_ID = z.guid().optional().meta({ description: 'The project; the default one when absent.' });

function asObject(schema: z.ZodType): z.ZodObject {
  if (schema instanceof z.ZodPipe) return asObject(schema.in as z.ZodType);
  if (schema instanceof z.ZodObject) return schema;
  throw new Error('Path and query schemas must be objects');
}

function requestBody(row: Route) {
  const media_types =
    row.body_media_types ?? (row.raw_body ? ['application/octet-stream'] : ['application/json']);
  const schema = row.raw_body ? z.string().meta({ format: 'binary' }) : row.body && strictly(row.body);
  if (schema === undefined) return undefined;
  const required =
    row.raw_body === true || !(schema.safeParse(undefined).success || schema.safeParse({}).success);
  return { required, content: Object.fromEntries(media_types.map((type) => [type, { schema }])) };
}

/** Answered before there is a route, without a body. */
const TOO_LONG = { description: 'Address and headers are longer than 16 KiB together.' };

function responses(row: Route) {
  const own = Object.entries(row.responses).map(
    ([status, response]) => [status, describe(Number(status), response)] as const,
  );
  const shared = problemStatuses(row).map(
    (status) => [String(status), { $ref: `#/components/responses/${status}` }] as const,
  );
  return { 431: TOO_LONG, ...Object.fromEntries([...shared, ...own]) };
}

function describe(status: number, response: RouteResponse) {
  if (response.schema === undefined && status >= 400) return { $ref: `#/components/responses/${status}` };
  const headers = Object.entries(response.headers ?? {}).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  const media_type = response.media_type ?? 'application/json';
  const schema = response.schema ?? (response.media_type ? { type: 'string' } : undefined);
  return {
    description: response.description,
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers) as Record<string, unknown> } : {}),
    ...(schema ? { content: { [media_type]: { schema } } } : {}),
  };
}
