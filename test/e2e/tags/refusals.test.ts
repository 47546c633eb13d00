import { PROJECT_ID } from '../../../src/api/app-fixture.ts';
import type { CallMore } from '../../support/store-api.ts';
import { at, fields, problem, type TagsApi, tagsApi } from './tags-api.ts';

const NOBODY = '00000000-0000-7000-8000-00000000dead';
let opened: TagsApi;
beforeAll(async () => {
  opened = await tagsApi();
});
afterAll(() => opened?.close());

const call: TagsApi['call'] = (...request) => opened.call(...request);
const movedTag: TagsApi['movedTag'] = (...tag) => opened.movedTag(...tag);

describe('every refusal of the tag routes', () => {
  const moves = ['PUT /tags/:p', 'POST /tags/:p/move'];
  const steps = ['POST /tags/:p/undo', 'POST /tags/:p/redo'];
  const writes = [...moves, ...steps, 'DELETE /tags/:p'];
  const reads = ['GET /tags', 'GET /tags/:p', 'GET /tags/:p/history', 'GET /tags/:p/approvals'];
  const approvals = ['POST /tags/:p/approvals', 'DELETE /tags/:p/approvals'];
  const rule_reads = ['GET /tag-rules', 'GET /tag-rules/:id'];
  const rule_writes = ['POST /tag-rules', 'PUT /tag-rules/:id', 'DELETE /tag-rules/:id'];
  const bodies = [...moves, ...steps, 'POST /tags/:p/approvals', 'POST /tag-rules', 'PUT /tag-rules/:id'];
  const all = [...reads, ...writes, ...approvals, ...rule_reads, ...rule_writes];
  const lists = ['GET /tags', 'GET /tags/:p/history', 'GET /tags/:p/approvals', 'GET /tag-rules'];

  interface Case {
    routes: string[];
    what: string;
    answer: string;
    /** The tag in the path. */
    name?: string;
    id?: string;
    body?: Record<string, unknown> | string;
    query?: string;
    more?: CallMore;
    /** Pointers of the problems. */
    at?: string[];
  }

  const wrong_text = 'x'.repeat(501);
  const cases: Case[] = [
    {
      routes: all,
      what: 'no token',
      answer: '401 unauthenticated',
      more: { headers: { authorization: '' } },
    },
    {
      routes: all,
      what: 'a foreign project',
      answer: '404 not_found',
      more: { as: 'stranger' },
      query: `project_id=${PROJECT_ID}`,
    },
    { routes: all, what: 'no such project', answer: '404 not_found', query: `project_id=${NOBODY}` },
    {
      routes: all,
      what: 'a project that is none',
      answer: '422 validation_failed',
      query: 'project_id=x',
      at: ['/query/project_id'],
    },
    {
      routes: all,
      what: 'an unknown query',
      answer: '400 malformed_request',
      query: 'colour=red',
      at: ['/query/colour'],
    },
    {
      routes: [...writes, ...approvals, ...rule_writes],
      what: 'a viewer',
      answer: '403 forbidden',
      more: { as: 'viewer' },
    },
    { routes: rule_writes, what: 'an operator', answer: '403 forbidden', more: { as: 'operator' } },
    { routes: bodies, what: 'an unknown field', answer: '400 malformed_request', body: { colour: 1 } },
    { routes: bodies, what: 'broken JSON', answer: '400 malformed_request', body: '{' },
    {
      routes: bodies,
      what: 'another media type',
      answer: '415 unsupported_media_type',
      more: { headers: { 'content-type': 'text/plain' } },
    },
    {
      routes: bodies,
      what: 'a body that is too large',
      answer: '413 payload_too_large',
      body: `"${'x'.repeat(1_048_577)}"`,
    },
    {
      routes: writes,
      what: 'two versions in If-Match',
      answer: '400 malformed_request',
      more: { headers: { 'if-match': '"1", "2"' } },
    },
    {
      routes: lists,
      what: 'a limit out of range',
      answer: '422 validation_failed',
      query: 'limit=101',
      at: ['/query/limit'],
    },
    {
      routes: lists,
      what: 'a cursor that is none',
      answer: '422 validation_failed',
      query: 'cursor=zzz',
      at: ['/query/cursor'],
    },
    {
      routes: ['GET /tags/:p/history'],
      what: 'a cursor of another list',
      answer: '422 validation_failed',
      query: `cursor=${cursorOf({ seq: 'x' })}`,
      at: ['/query/cursor'],
    },
    {
      routes: ['GET /tags/:p/approvals'],
      what: 'a cursor without an id',
      answer: '422 validation_failed',
      query: `cursor=${cursorOf({ tag_version: 1, target_id: 'x', approved_by: 'y' })}`,
      at: ['/query/cursor'],
    },
    {
      routes: ['GET /tags/:p/approvals'],
      what: 'a version that is none',
      answer: '422 validation_failed',
      query: 'tag_version=-1',
      at: ['/query/tag_version'],
    },
    {
      routes: ['GET /tags/:p'],
      what: 'a time that is none',
      answer: '422 validation_failed',
      query: 'as_of=yesterday',
      at: ['/query/as_of'],
    },
    { routes: ['GET /tags/:p'], what: 'a tag that is not there', answer: '404 not_found', name: 'no/such' },
    {
      routes: ['GET /tags/:p'],
      what: 'a tag that was not there then',
      answer: '404 not_found',
      query: 'as_of=2001-01-01T00:00:00Z',
    },
    {
      routes: ['GET /tags/:p/history'],
      what: 'a tag that never was',
      answer: '404 not_found',
      name: 'no/such',
    },
    { routes: reads.slice(1), what: 'a name no tag can have', answer: '404 not_found', name: '../etc' },
    {
      routes: ['POST /tags/:p/move', ...steps, 'DELETE /tags/:p', 'DELETE /tags/:p/approvals'],
      what: 'a tag that is not there',
      answer: '404 not_found',
      name: 'no/such',
    },
    {
      routes: ['PUT /tags/:p', 'POST /tags/:p/approvals'],
      what: 'a name no tag can have',
      answer: '422 validation_failed',
      name: 'a b',
      at: ['/name'],
    },
    {
      routes: [...moves, 'POST /tags/:p/approvals'],
      what: 'a target that is not there',
      answer: '404 not_found',
      body: { target: NOBODY },
      more: { if_match: 2 },
    },
    {
      routes: [...moves, 'POST /tags/:p/approvals'],
      what: 'no target',
      answer: '422 validation_failed',
      body: {},
      at: ['/target'],
    },
    {
      routes: [...moves, ...steps],
      what: 'a reason that is too long',
      answer: '422 validation_failed',
      body: { reason: wrong_text, target: 'x' },
      at: ['/reason'],
    },
    {
      routes: ['DELETE /tags/:p'],
      what: 'a reason that is too long',
      answer: '422 validation_failed',
      query: `reason=${wrong_text}`,
      at: ['/query/reason'],
    },
    {
      routes: [...moves, ...steps],
      what: 'broken glass without a reason',
      answer: '422 validation_failed',
      body: { break_glass: true, reason: ' ', target: 'x' },
      at: ['/reason'],
    },
    {
      routes: ['DELETE /tags/:p'],
      what: 'broken glass without a reason',
      answer: '422 validation_failed',
      query: 'break_glass=true',
      at: ['/query/reason'],
    },
    {
      routes: [...moves, ...steps],
      what: 'broken glass without the permission',
      answer: '403 forbidden',
      body: { break_glass: true, reason: 'r', target: 'source-0' },
      more: { as: 'maintainer', if_match: 2 },
    },
    {
      routes: ['DELETE /tags/:p'],
      what: 'broken glass without the permission',
      answer: '403 forbidden',
      query: 'break_glass=true&reason=r',
      more: { as: 'maintainer', if_match: 2 },
    },
    { routes: writes, what: 'no If-Match', answer: '428 tag_protected' },
    {
      routes: writes,
      what: 'If-Match *',
      answer: '428 tag_protected',
      more: { headers: { 'if-match': '*' } },
    },
    { routes: writes, what: 'a stale If-Match', answer: '412 stale_if_match', more: { if_match: 1 } },
    {
      routes: [...moves, ...steps],
      what: 'a wrong expected version',
      answer: '409 version_conflict',
      body: { target: 'source-0', expected_version: 1 },
      more: { if_match: 2 },
    },
    {
      routes: [...moves, ...steps],
      what: 'an expected version that is none',
      answer: '422 validation_failed',
      body: { target: 'source-0', expected_version: 0 },
      at: ['/expected_version'],
    },
    {
      routes: writes,
      what: 'too low a role',
      answer: '403 forbidden',
      more: { if_match: 2, as: 'operator' },
    },
    {
      routes: [...moves, 'POST /tags/:p/undo', 'DELETE /tags/:p'],
      what: 'no approval',
      answer: '409 approval_required',
      name: 'refused/approved',
      more: { if_match: 2 },
    },
    {
      routes: ['POST /tags/:p/redo'],
      what: 'nothing to redo',
      answer: '409 nothing_to_redo',
      more: { if_match: 2 },
    },
    {
      routes: ['POST /tags/:p/undo'],
      what: 'nothing to undo',
      answer: '409 nothing_to_undo',
      name: 'source-0',
    },
    {
      routes: ['POST /tags/:p/approvals'],
      what: 'too low a role',
      answer: '403 forbidden',
      more: { as: 'operator' },
    },
    {
      routes: ['POST /tags/:p/approvals'],
      what: 'a stale If-Match',
      answer: '412 stale_if_match',
      more: { if_match: 1 },
    },
    {
      routes: ['POST /tags/:p/approvals'],
      what: 'a wrong expected version',
      answer: '409 version_conflict',
      body: { target: null, expected_version: null },
    },
    {
      routes: ['POST /tags/:p/approvals'],
      what: 'a deletion of nothing',
      answer: '404 not_found',
      body: { target: null },
      name: 'no/such',
    },
    {
      routes: ['POST /tags/:p/approvals'],
      what: 'a comment that is too long',
      answer: '422 validation_failed',
      body: { target: null, comment: wrong_text },
      at: ['/comment'],
    },
    { routes: ['DELETE /tags/:p/approvals'], what: 'nothing to take back', answer: '404 not_found' },
    {
      routes: ['GET /tag-rules/:id', 'PUT /tag-rules/:id', 'DELETE /tag-rules/:id'],
      what: 'a rule that is not there',
      answer: '404 not_found',
    },
    {
      routes: ['GET /tag-rules/:id', 'PUT /tag-rules/:id', 'DELETE /tag-rules/:id'],
      what: 'an id that is none',
      answer: '422 validation_failed',
      id: 'x',
      at: ['/path/id'],
    },
    {
      routes: ['POST /tag-rules', 'PUT /tag-rules/:id'],
      what: 'everything wrong',
      answer: '422 validation_failed',
      body: { pattern: '', role: 'viewer', approvals: 11 },
      at: ['/approvals', '/pattern', '/role'],
    },
    {
      routes: ['POST /tag-rules', 'PUT /tag-rules/:id'],
      what: 'a pattern that is none',
      answer: '422 validation_failed',
      body: { pattern: 'a**', role: 'editor' },
      at: ['/pattern'],
    },
    { routes: ['POST /tag-rules'], what: 'a pattern that is taken', answer: '409 state_conflict' },
  ];
  const table = cases.flatMap(({ routes, ...rest }) => routes.map((route) => ({ route, ...rest })));

  function cursorOf(position: object): string {
    return Buffer.from(JSON.stringify(position)).toString('base64url');
  }

  beforeAll(async () => {
    await movedTag('refused/production');
    await movedTag('refused/approved', 'second');
  });

  const defaults: Record<string, unknown> = {
    'POST /tag-rules': { pattern: '*/production', role: 'maintainer' },
    'PUT /tag-rules/:id': { pattern: '*/free', role: 'maintainer' },
    'POST /tags/:p/undo': {},
    'POST /tags/:p/redo': {},
  };
  const bodyOf = (route: string, body: Case['body']) => {
    if (body !== undefined || !bodies.includes(route)) return stepOnly(route, body);
    return defaults[route] ?? { target: 'source-0' };
  };
  /** Steps name no target. */
  const stepOnly = (route: string, body: Case['body']) => {
    if (typeof body !== 'object' || !steps.includes(route)) return body;
    const { target: _, ...rest } = body;
    return rest;
  };

  it.each(table)('$route with $what: $answer', async (one) => {
    const { route, answer, name = 'refused/production', id = NOBODY, body, query, more, at: pointers } = one;
    const [method = '', path = ''] = route.split(' ');
    const address = path.replace(':p', encodeURIComponent(name)).replace(':id', id);
    const got = await call(method, query ? `${address}?${query}` : address, bodyOf(route, body), more);
    expect(problem(got)).toBe(answer);
    if (pointers)
      expect(
        fields(got)
          .errors.map((error) => error.path)
          .sort(),
      ).toEqual(pointers);
  });

  it('left the tags as they were', async () => {
    for (const name of ['refused/production', 'refused/approved'])
      expect(fields(await call('GET', `${at(name)}/history`)).items).toHaveLength(2);
    expect(opened.api.failures).toEqual([]);
  });
});
