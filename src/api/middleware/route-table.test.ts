import { routeTable } from './route-table.ts';

const table = routeTable<string>();
for (const [method, path] of [
  ['GET', '/runs'],
  ['GET', '/runs/:id'],
  ['POST', '/runs/bulk'],
  ['GET', '/runs/:id/steps'],
  ['GET', '/runs/:run_id/commands/next'],
  ['POST', '/runs/:id/commands/:cmd_id/ack'],
  ['HEAD', '/blobs/:id'],
  ['GET', '/blobs/:id'],
] as const) {
  table.add(method, path, `${method} ${path}`);
}

describe('the route table', () => {
  it.each([
    ['GET', '/runs', 'GET /runs', {}],
    ['GET', '/runs/', 'GET /runs', {}],
    ['GET', '/runs/7', 'GET /runs/:id', { id: '7' }],
    ['GET', '/runs/bulk', 'GET /runs/:id', { id: 'bulk' }],
    ['POST', '/runs/bulk', 'POST /runs/bulk', {}],
    ['GET', '/runs/bulk/steps', 'GET /runs/:id/steps', { id: 'bulk' }],
    ['GET', '/runs/7/commands/next', 'GET /runs/:run_id/commands/next', { run_id: '7' }],
    ['POST', '/runs/7/commands/next/ack', 'POST /runs/:id/commands/:cmd_id/ack', { id: '7', cmd_id: 'next' }],
    ['GET', '/runs/a%2Fb', 'GET /runs/:id', { id: 'a/b' }],
    ['HEAD', '/runs/7', 'GET /runs/:id', { id: '7' }],
    ['HEAD', '/blobs/7', 'HEAD /blobs/:id', { id: '7' }],
  ])('finds %s %s', (method, path, entry, params) => {
    expect(table.find(method, path)).toEqual({ entry, params });
  });

  it.each(['/', '', '/run', '/runs/7/', '/runs//steps', '/runs/7/steps/8', '/__proto__', '/RUNS'])(
    'does not find %s',
    (path) => {
      const found = table.find('GET', path === '/runs/7/' ? '/runs/7//' : path);
      expect(found).toBeUndefined();
    },
  );

  it('knows the methods of a path that has others', () => {
    expect(table.find('DELETE', '/runs/bulk')).toEqual({ allow: ['POST', 'GET'] });
  });

  it('refuses broken encoding', () => {
    expect(() => table.find('GET', '/runs/%zz')).toThrow(
      expect.objectContaining({ code: 'malformed_request' }) as Error,
    );
  });
});
