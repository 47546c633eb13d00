import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { documentationRoutes } from '../../src/api/routes/platform-docs.ts';
import { routeTable } from '../../src/api/routes/table.ts';
import { loadConfig } from '../../src/config.ts';
import { SETTINGS } from '../../src/config-settings.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { BUILTIN_DEFINITIONS } from '../../src/domain/builtins/definitions.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const readme = read('README.md');
const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(folder, name)),
  ),
];

/** Stands for services that are not called: declaring a route runs no handler. */
const nothing: unknown = new Proxy(() => nothing, { get: () => nothing });

describe('the table of routes', () => {
  const rows = [...readme.matchAll(/^\| (GET|HEAD|POST|PUT|PATCH|DELETE) \| (\/\S*) \| there \|$/gm)];

  test('names every route of the code, and no other', () => {
    const routes = [...routeTable(nothing as never), ...documentationRoutes(nothing as never)];
    const code = routes.map((row) => `${row.method.toUpperCase()} ${row.path}`);
    expect(code.length).toBeGreaterThan(80);
    expect(rows.map(([, method, route]) => `${method} ${route}`).sort()).toEqual(code.sort());
  });

  test('names each route once', () => {
    const names = rows.map(([, method, route]) => `${method} ${route}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

test('the table of built-in types names each of them', () => {
  const rows = [...readme.matchAll(/^\| `([a-z_]+)` \| (there) \|$/gm)];
  expect(rows.map(([, type]) => type).sort()).toEqual(Object.keys(BUILTIN_DEFINITIONS).sort());
});

describe('every page', () => {
  test('is found', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'docs/architecture.md', 'examples/fan-in/README.md']),
    );
    expect(pages.length).toBeGreaterThan(12);
  });

  test.each(pages)('%s: relative links lead somewhere', (page) => {
    const broken = linksOf(page).filter(({ file, anchor }) => {
      if (!existsSync(path.join(ROOT, file))) return true;
      return anchor !== '' && !anchorsOf(read(file)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test.each(pages)('%s: named npm scripts and make targets exist', (page) => {
    const text = read(page);
    const code = [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([block]) => block).join('\n');
    const npm = [...code.matchAll(/\bnpm (?:run ([\w-]+)|(start|test))\b/g)].map(
      ([, run, own]) => run ?? own ?? '',
    );
    const make = [...code.matchAll(/(?:^|`)make ([a-z][a-z-]*)(?=`|\s*$|\s+#)/gm)].map(
      ([, target]) => target ?? '',
    );
    expect(npm.filter((name) => !(name in scripts))).toEqual([]);
    expect(make.filter((name) => !new RegExp(`^${name}:`, 'm').test(read('Makefile')))).toEqual([]);
  });

  test.each(pages)('%s: named files of the repository exist', (page) => {
    const named = [
      ...read(page).matchAll(
        /`((?:src|workflows|activities|worker|migrations|test|docs|ops|examples)\/[^`\s*]*)`/g,
      ),
    ];
    const missing = named.map(([, file]) => file ?? '').filter((file) => !existsSync(path.join(ROOT, file)));
    expect(missing).toEqual([]);
  });
});

describe('what the README shows', () => {
  test('the first workflow is valid', () => {
    const body = /-d @- <<'END'\n([\s\S]*?)\nEND\n/.exec(readme)?.[1] ?? '';
    const { tag_name, workflow } = JSON.parse(body) as { tag_name: string; workflow: JsonObject };
    expect(workflow['name']).toBe(tag_name);
    expect(validateDefinition(workflow)).toEqual([]);
  });

  test('the settings are settings, by these names', () => {
    const rows = [...readme.matchAll(/^\| `([a-z_.]+)` \| (`[A-Z_`, ]+`) \|/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, key, names = ''] of rows) {
      const setting = SETTINGS.find((candidate) => candidate.key === key);
      const shown = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
      expect([key, setting?.env]).toEqual([key, shown[0]]);
      expect([setting?.env, ...(setting?.aliases ?? [])]).toEqual(expect.arrayContaining(shown));
    }
  });
});

test('the example configuration is accepted and shows the defaults', () => {
  const file = path.join(ROOT, 'config.example.yaml');
  const shown = loadConfig({ ORCHESTRATOR_CONFIG: file }, '/nowhere');
  expect(shown.warnings).toEqual([]);
  const { server: shown_server, ...shown_rest } = shown;
  const { server, ...rest } = loadConfig({}, '/nowhere');
  expect(shown_rest).toEqual(rest);
  expect({ ...shown_server, port_explicit: false, metrics_port_explicit: false }).toEqual(server);
  expect(leaves(parse(read('config.example.yaml')) as Json).length).toBeGreaterThan(10);
});

interface Link {
  file: string;
  anchor: string;
}

/** Relative links of a page outside code, as paths from the root. */
function linksOf(page: string): Link[] {
  const text = read(page).replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#');
      return { file: file === '' ? page : path.join(path.dirname(page), file), anchor };
    });
}

/** Heading anchors as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function leaves(value: Json): Json[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
}
