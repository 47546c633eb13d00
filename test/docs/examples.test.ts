import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { transformSync } from 'esbuild';
import { sourceServer } from '../../examples/source-server.ts';
import type { CodeConfig, DefinitionNode } from '../../src/contract/definition.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { casIdOf, readExample, type Example } from '../../src/dev/demo-example.ts';
import { compileConfig } from '../../src/language/config.ts';
import { evaluateGuard, evaluateTemplate, type Scope } from '../../src/language/expression.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { compilePlan } from '../../src/language/plan.ts';
import { compileTemplate } from '../../src/language/template.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples');
const names = readdirSync(EXAMPLES).filter((name) =>
  existsSync(path.join(EXAMPLES, name, 'definition.json')),
);
const ALLOWED_TYPES = ['code', 'http', 'transform', 'wait'];

test('there are at least three examples, each with an input and a page', () => {
  expect(names.length).toBeGreaterThanOrEqual(3);
  for (const name of names) {
    for (const file of ['input.json', 'README.md'])
      expect(existsSync(path.join(EXAMPLES, name, file))).toBe(true);
  }
});

describe.each(names)('example %s', (name) => {
  test('is a valid definition of available node types, named like its folder', async () => {
    const { definition } = await readExample(name);
    expect(definition.name).toBe(name);
    for (const node of Object.values(definition.nodes)) expect(ALLOWED_TYPES).toContain(node.type);
    expect(validateDefinition(definition)).toEqual([]);
  });

  test('names its files by their true hashes', async () => {
    const { files } = await readExample(name);
    for (const file of files) {
      expect([file.path, file.cas_id]).toEqual([file.path, casIdOf(readFileSync(file.local))]);
    }
  });
});

describe('what the pages of the examples promise', () => {
  test('csv-pipeline: nine bad rows, one station flagged at 8 NTU and two at 7', async () => {
    const example = await readExample('csv-pipeline');
    const at_8 = await play(example);
    expect(at_8.output).toMatchObject({ rows: 301, rejected: 9, flagged: ['cedar-mill'] });
    expect(at_8.output).toMatchObject({ alert: 'Above 8 NTU on average: cedar-mill' });
    expect(at_8.artifacts['report.md']).toContain('| cedar-mill | 58 |');
    example.definition.params = { ...example.definition.params, turbidity_limit: 7 };
    expect((await play(example)).output).toMatchObject({ flagged: ['cedar-mill', 'elm-lock'] });
  });

  test('csv-pipeline: a file with too many bad rows fails', async () => {
    const example = await readExample('csv-pipeline');
    example.definition.params = { ...example.definition.params, max_rejected_share: 0.01 };
    await expect(play(example)).rejects.toThrow('9 of 301 rows are bad');
  });

  test('fan-in: two sources come after retries, the third fails and is left out', async () => {
    const server = sourceServer();
    const example = await readExample('fan-in');
    example.input = { base_url: await listen(server) };
    try {
      expect((await play(example)).output).toEqual({
        joined: { open_orders: 2, scarce: ['nut-m8', 'washer-m8'], forecast: null },
        reorder: { subject: 'Reorder nut-m8, washer-m8', skus: ['nut-m8', 'washer-m8'] },
        forecast_state: 'failed',
      });
    } finally {
      server.close();
    }
  });

  test('long-wait: the note tells how long was waited', async () => {
    const { output } = await play(await readExample('long-wait'));
    expect(output).toMatchObject({ text: 'Reminder: the spring release', waited: '60 s' });
  });

  test('release-notes: commits by type, and the notes as an artifact', async () => {
    const { output, artifacts } = await play(await readExample('release-notes'));
    const by_type = { feat: 4, fix: 4, docs: 1, chore: 1, refactor: 1, perf: 1 };
    expect(output).toMatchObject({ counts: { commits: 12, by_type } });
    expect(artifacts['NOTES.md']).toMatch(/^# Release 1\.4\n\n## Breaking\n/);
  });
});

interface Played {
  output: Json;
  artifacts: Record<string, string>;
}

/** Plays a definition in one process: real programs and real HTTP, waits skipped, no sandbox and no Temporal. */
async function play(example: Example): Promise<Played> {
  const { definition, input } = example;
  const plan = compilePlan(definition, `sha256:${'0'.repeat(64)}`);
  const steps: JsonObject = {};
  const artifacts: Record<string, string> = {};
  const scope: Scope = { input, params: definition.params ?? {}, steps, run: {}, now_ms: 1_700_000_000_000 };
  for (const id of plan.order) {
    const node = definition.nodes[id]!;
    const guard = plan.nodes[id]?.guard;
    const skipped = guard !== undefined && !evaluateGuard(guard, scope);
    steps[id] = skipped
      ? { state: 'skipped', output: null }
      : await attempts(node, scope, { example, artifacts });
  }
  return { output: evaluateTemplate(compileTemplate(definition.output ?? null), scope), artifacts };
}

interface Context {
  example: Example;
  artifacts: Record<string, string>;
}

async function attempts(node: DefinitionNode, scope: Scope, context: Context): Promise<JsonObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { state: 'succeeded', output: await outputOf(node, scope, context) };
    } catch (error) {
      if (attempt < (node.retry?.max_attempts ?? 1)) continue;
      if (node.continue_on_error) return { state: 'failed', output: null };
      throw error;
    }
  }
}

async function outputOf(node: DefinitionNode, scope: Scope, context: Context): Promise<Json> {
  const config = evaluateTemplate(
    compileConfig(node.type, node.config as unknown as JsonObject),
    scope,
  ) as JsonObject;
  switch (node.type) {
    case 'transform':
      return config['value']!;
    case 'wait':
      return { waited_ms: Number(config['duration_seconds'] ?? 0) * 1_000, payload: null };
    case 'http':
      return fetchOnce(config['url'] as string);
    default:
      return runProgram(config as unknown as CodeConfig, context);
  }
}

async function fetchOnce(url: string): Promise<Json> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return { status: response.status, body: JSON.parse(await response.text()) as Json };
}

const PROGRAMS: Record<string, string[]> = {
  python: ['python3', '-I'],
  javascript: [process.execPath],
  typescript: [process.execPath],
  bash: ['bash'],
};

function runProgram(config: CodeConfig, { example, artifacts }: Context): Json {
  const work = mkdtempSync(path.join(os.tmpdir(), 'example-'));
  try {
    for (const file of example.files) cpSync(file.local, path.join(work, file.path), { recursive: true });
    mkdirSync(path.join(work, 'out'), { recursive: true });
    const [command = '', ...first] = PROGRAMS[config.language] ?? [];
    const program = programFile(work, config);
    const args = [...first, program, ...((config.args ?? []) as string[])];
    const stdin = typeof config.stdin === 'string' ? config.stdin : JSON.stringify(config.stdin ?? '');
    const ended = spawnSync(command, args, { cwd: work, input: stdin, encoding: 'utf8' });
    if (ended.status !== 0) throw new Error(ended.stderr);
    for (const file of readdirSync(path.join(work, 'out')))
      artifacts[file] = readFileSync(path.join(work, 'out', file), 'utf8');
    return { exit_code: 0, stdout: ended.stdout, result: jsonOrNull(ended.stdout), artifacts: [] };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The program as a file in the working directory: as it stands, from `source`, or compiled to javascript. */
function programFile(work: string, config: CodeConfig): string {
  const text = config.source ?? readFileSync(path.join(work, config.file!), 'utf8');
  const is_typescript = config.language === 'typescript';
  if (config.file !== undefined && !is_typescript) return config.file;
  const name = `program.${is_typescript ? 'mjs' : 'cjs'}`;
  writeFileSync(path.join(work, name), is_typescript ? transformSync(text, { loader: 'ts' }).code : text);
  return name;
}

function jsonOrNull(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
