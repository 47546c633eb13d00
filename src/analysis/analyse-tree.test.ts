import { placesIn } from '../../test/analysis/analyse-text.ts';

const LONG = Array.from({ length: 12 }, (_, i) => `  total += order.part_${i} * rates.kind_${i};`).join('\n');
const MAIN = JSON.stringify({ main: './src/main.js' });

describe('the imports of a tree', () => {
  test('make a cycle where the module that others stand on imports one that stands on it', () => {
    const places = placesIn({
      'src/base.js': "import { high } from './high.js';\nexport const base = () => high;",
      'src/high.js': "import { base } from './base.js';\nexport const high = () => base;",
      'src/main.js': "import { base } from './base.js';\nimport { high } from './high.js';\nbase(high);",
      'src/other.js': "import { base } from './base.js';\nbase();",
    });
    expect(places).toEqual(['src/base.js:1 dependency-cycle']);
  });

  test('make no cycle when only types are taken, or later on', () => {
    const places = placesIn({
      'src/a.ts': "import type { B } from './b.ts';\nexport const a = (b: B) => b;",
      'src/b.ts':
        "import { a } from './a.ts';\nexport type B = typeof a;\nexport const c = async () => (await import('./c.ts')).d;",
      'src/c.ts': "import { c } from './b.ts';\nexport const d = () => c;",
    });
    expect(places.filter((one) => one.includes('cycle'))).toEqual([]);
  });

  test('leave exports dead that nobody takes, tests and the package counted', () => {
    const places = placesIn({
      'package.json': MAIN,
      'src/main.js':
        "import { used } from './lib.js';\nimport * as all from './all.js';\nexport const start = () => used(all.one);",
      'src/lib.js':
        'export const used = (x) => x;\nexport const dead = 1;\nexport const tested = 2;\nconst inside = 3;\nexport { inside };\nused(inside);',
      'src/all.js': 'export const one = 1;\nexport const two = 2;',
      'src/lib.test.js': "import { tested } from './lib.js';\nexpect(tested).toBe(2);",
      'src/left.js': 'export const forgotten = 1;',
    });
    expect(places).toEqual([
      'src/all.js:2 dead-export',
      'src/left.js:1 dead-export',
      'src/lib.js:2 dead-export',
    ]);
  });

  test('count by require as well', () => {
    const places = placesIn({
      'src/main.js': "const { used } = require('./lib');\nused();",
      'src/lib.js': 'const used = () => 1;\nconst dead = () => 2;\nmodule.exports = { used, dead };',
    });
    expect(places).toEqual(['src/lib.js:2 dead-export']);
  });

  test('are missed when the file or the name is not there', () => {
    const places = placesIn({
      'src/a.js':
        "import { x, y } from './b.js';\nimport { z } from './c.js';\nimport data from './d.json' with { type: 'json' };\nx(y, z, data);",
      'src/b.js': "export const x = () => 1;\nexport * from './e.js';",
      'src/e.js': 'export const other = 1;\nconsole.log(other);',
    });
    expect(places).toEqual(['src/a.js:1 missing-export', 'src/a.js:2 unresolved-import']);
  });
});

describe('copies', () => {
  const first = `import { rates } from 'rates';\nexport function a(order) {\n  let total = 0;\n${LONG}\n  return total;\n}\na({});\n`;

  test('are told at the later place, with their variables renamed or not', () => {
    const second = `import { rates } from 'rates';\nexport function b(thing) {\n  let sum = 0;\n${LONG.replaceAll('total', 'sum').replaceAll('order', 'thing')}\n  return sum;\n}\nb({});\n`;
    expect(placesIn({ 'src/a.js': first, 'src/b.js': second })).toEqual(['src/b.js:3 duplication']);
  });

  test('are none when other members are used', () => {
    const second = first
      .replaceAll('part_', 'item_')
      .replaceAll('function a', 'function b')
      .replace('a({})', 'b({})');
    expect(placesIn({ 'src/a.js': first, 'src/b.js': second })).toEqual([]);
  });
});

describe('what a function does', () => {
  test('blocks the handler that calls it, through other modules, but not the start', () => {
    const places = placesIn({
      'src/app.js':
        "import { load } from './load.js';\nimport { read } from './read.js';\nread();\nexport const app = (router) => router.get('/', (req, res) => res.send(load()));\napp();",
      'src/load.js': "import { inner } from './inner.js';\nexport const load = () => inner();",
      'src/inner.js': "import fs from 'node:fs';\nexport const inner = () => fs.readFileSync('a');",
      'src/read.js':
        "import fs from 'node:fs';\nlet kept;\nexport const read = () => (kept ??= fs.readFileSync('b'));",
    });
    expect(places).toEqual(['src/inner.js:2 sync-in-handler']);
  });

  test('asks once for each item of the loop that calls it', () => {
    const places = placesIn({
      'src/a.js':
        "import { find } from './b.js';\nexport async function a(ids) {\n  for (const id of ids) await find(id);\n  await find(1);\n}\nvoid a([]);",
      'src/b.js':
        "export const find = (id) => db.query('SELECT 1 WHERE $1', [id]);\nconst db = { query: (...all) => all };",
    });
    expect(places).toEqual(['src/a.js:3 n-plus-one']);
  });

  test('is lost when its promise is not awaited, or is taken for its value', () => {
    const places = placesIn({
      'src/a.js':
        "import { save, mayGo } from './b.js';\nexport async function a(x) {\n  save(x);\n  if (mayGo(x)) await save(x);\n  void save(x);\n  return save(x);\n}\nvoid a(1);",
      'src/b.js': 'export async function save(x) {\n  return x;\n}\nexport const mayGo = async (x) => x;',
    });
    expect(places).toEqual(['src/a.js:3 floating-promise', 'src/a.js:4 promise-as-value']);
  });

  test('reaches what a request names, however often it is handed on', () => {
    const places = placesIn({
      'src/a.js':
        "import { show } from './b.js';\nexport const a = (req, res) => res.send(show(req.query.name, 'x'));\na();",
      'src/b.js':
        "import { open } from './c.js';\nexport const show = (name, kind) => open(kind, `files/${name}`);",
      'src/c.js':
        "import { createReadStream } from 'node:fs';\nexport const open = (kind, at) => [kind, createReadStream(at)];\nexport const own = (at) => createReadStream(at);\nown('a');",
    });
    expect(places).toEqual(['src/c.js:2 path-traversal']);
  });
});

test('a module that re-exports itself, or nothing, ends no walk', () => {
  expect(
    placesIn({
      'a.js': "export * from './b.js';\nimport { x } from './b.js';\nx();",
      'b.js': "export * from './a.js';",
    }),
  ).toContain('a.js:2 missing-export');
  expect(placesIn({})).toEqual([]);
});
