import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { jsonPatch, pageQuery } from './schemas/conventions.ts';
import { route, type Route } from './route.ts';

const thing = z.object({
  name: z.string().min(1),
  count: z.number().int().min(0).optional(),
  extra: z.unknown().optional(),
});
const seen = z.looseObject({});

/** Small routes that show what the pipeline does; every handler answers with what it was given. */
export const exampleRoutes: Route[] = [
  route({
    method: 'post',
    path: '/things',
    group: 'things',
    summary: 'Create.',
    body: thing,
    responses: { 201: { description: 'Created.', schema: seen } },
    handler: ({ body, project_id, if_match, principal }) =>
      Promise.resolve({
        status: 201,
        body: { body, project_id, if_match, by: principal.id },
        headers: { ETag: '"1"' },
      }),
  }),
  route({
    method: 'get',
    path: '/things',
    group: 'things',
    summary: 'List.',
    query: z.object({ ...pageQuery, kind: z.enum(['a', 'b']).optional() }),
    responses: { 200: { description: 'Some.', schema: seen } },
    handler: ({ query }) => Promise.resolve({ status: 200, body: { query } }),
  }),
  route({
    method: 'get',
    path: '/things/:name',
    group: 'things',
    summary: 'Get.',
    params: z.object({ name: z.string().max(20) }),
    responses: { 200: { description: 'One.', schema: seen } },
    handler: ({ params, project_id }) => Promise.resolve({ status: 200, body: { params, project_id } }),
  }),
  route({
    method: 'patch',
    path: '/things/:name',
    group: 'things',
    summary: 'Patch.',
    body: jsonPatch(3),
    body_media_types: ['application/json-patch+json'],
    responses: { 200: { description: 'Patched.', schema: seen } },
    handler: ({ body }) => Promise.resolve({ status: 200, body: { body } }),
  }),
  route({
    method: 'post',
    path: '/things/:name/touch',
    group: 'things',
    summary: 'A write without fields.',
    responses: { 204: { description: 'Touched.' } },
    handler: () => Promise.resolve({ status: 204 }),
  }),
  route({
    method: 'get',
    path: '/fails/:how',
    group: 'things',
    summary: 'Fail.',
    params: z.object({ how: z.string() }),
    responses: { 200: { description: 'Never.' } },
    handler: ({ params }) => Promise.reject(FAILURES[params.how] ?? new Error('unknown')),
  }),
  route({
    method: 'post',
    path: '/later',
    group: 'things',
    summary: 'Something that is not there.',
    responses: { 204: { description: 'Never.' } },
    handler: () => Promise.reject(new AppError('not_implemented')),
  }),
];

const FAILURES: Readonly<Record<string, Error>> = {
  defect: new Error('connection string postgres://user:hunter2@db'),
  conflict: new AppError('state_conflict', { detail: 'It is closed.', extra: { state: 'closed' } }),
  corrupt: new AppError('blob_corrupt', { detail: 'row 7 of table x' }),
  away: new AppError('database_unavailable', { retry_after_seconds: 3 }),
};
