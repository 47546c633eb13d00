import { Ajv2020 } from 'ajv/dist/2020.js';
import { completeTable } from '../../src/api/app-routes.ts';
import { mountedPaths } from '../../src/api/middleware/dispatch.ts';
import { openApiDocument } from '../../src/api/openapi.ts';
import { documentedRoute, operationId } from '../../src/api/openapi-names.ts';
import { routeTable } from '../../src/api/routes/table.ts';

interface Parameter {
  in: string;
  name: string;
  required?: boolean;
}
interface Operation {
  operationId: string;
  security: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { $ref?: string; description?: string }>;
}

/** Stands for every service: no handler is called here. */
const nothing = new Proxy({}, { get: () => () => undefined }) as never;
const info = { title: 'Orchestrator', version: '0.0.0' };
const rows = completeTable(
  routeTable({
    services: nothing,
    ids: () => '',
    version: '0',
    checks: {},
    capabilities: nothing,
    shutdown: new AbortController().signal,
  }),
  info,
);
const document = JSON.parse(JSON.stringify(openApiDocument(rows, info))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const named = rows.map((row) => [`${row.method} ${documentedRoute(row)}`, row] as const);
const byName = new Map<string, (typeof rows)[number]>(named);

describe('the OpenAPI document', () => {
  it('has every mounted route, and no other', () => {
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(
      named.map(([name]) => name).sort(),
    );
    expect(operations.length).toBeGreaterThan(80);
  });

  it('has one operation id per operation', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(operationId({ method: 'post', path: '/tags/:name/move' })).toBe('post_tags_by_name_move');
  });

  it('is OpenAPI 3.1 whose references all resolve', () => {
    expect(document.openapi).toBe('3.1.0');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(100);
    for (const [, kind, name] of references) expect(document.components[kind!]).toHaveProperty([name!]);
    expect(JSON.stringify(document)).not.toContain('"$ref":"#/definitions');
  });

  it('declares exactly the parameters that a path has', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([path, declared.map((parameter) => parameter.name)]).toEqual([
        path,
        [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
      ]);
      expect(declared.every((parameter) => parameter.required)).toBe(true);
    }
  });

  it('has schemas that compile as JSON Schema 2020-12', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'https://document.invalid/', components: document.components });
    const text = JSON.stringify(operations.map(({ operation }) => operation)).replaceAll(
      '"#/components',
      '"https://document.invalid/#/components',
    );
    const bodies = (JSON.parse(text) as Operation[]).flatMap((operation) => [
      operation.requestBody,
      ...Object.values(operation.responses),
    ]);
    const schemas = bodies
      .flatMap((body) => Object.values((body as Operation['requestBody'])?.content ?? {}))
      .map((media) => media.schema);
    expect(schemas.length).toBeGreaterThan(20);
    for (const schema of schemas) expect(() => ajv.compile(schema as object)).not.toThrow();
  });

  it('describes every answer', () => {
    for (const { operation } of operations) {
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
      for (const response of Object.values(operation.responses))
        expect(response.$ref ?? response.description).toBeTruthy();
    }
  });
});

describe('every route', () => {
  it('says whether it needs a token, and how it refuses', () => {
    for (const { path, method, operation } of operations) {
      const row = byName.get(`${method} ${path}`)!;
      const anonymous = row.takes_token ? [{}, { bearer: [] }] : [];
      expect(operation.security).toEqual(row.public ? anonymous : [{ bearer: [] }]);
      if (!row.public)
        expect(operation.responses).toMatchObject({ '401': {}, '404': {}, '422': {}, '429': {}, '503': {} });
    }
  });

  it('names the headers it understands', () => {
    for (const { path, method, operation } of operations) {
      const row = byName.get(`${method} ${path}`)!;
      const headers = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map((parameter) => parameter.name);
      const is_write = !['get', 'head'].includes(method);
      const scoped = !row.public && !row.root;
      expect([path, headers.includes('Idempotency-Key')]).toEqual([
        path,
        scoped && is_write && row.idempotent !== false,
      ]);
      expect([path, headers.includes('If-Match')]).toEqual([path, scoped && is_write]);
      expect([path, headers.includes('X-Project-Id')]).toEqual([path, scoped && !row.installation]);
    }
  });

  it('is served under both prefixes, or at the root', () => {
    expect(mountedPaths({ path: '/runs/:id' })).toEqual(['/api/v1/runs/:id', '/api/runs/:id']);
    expect(mountedPaths({ path: '/health', root: true })).toEqual(['/health']);
  });
});
