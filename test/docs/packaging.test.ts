import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../src/contract/workflows.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

describe('the image', () => {
  const lines = read('Dockerfile').split('\n');
  const instructions = lines.filter((line) => /^[A-Z]+ /.test(line));

  test('is built in stages from one pinned base', () => {
    const bases = instructions.filter((line) => line.startsWith('FROM '));
    expect(bases.length).toBeGreaterThan(1);
    for (const base of bases) expect(base).toMatch(/^FROM node:20-bookworm-slim AS \w+$/);
  });

  test('runs as a user without rights, who cannot change the code', () => {
    const at = instructions.indexOf('USER node');
    expect(at).toBeGreaterThan(instructions.findLastIndex((line) => /^(RUN|COPY) /.test(line)));
    expect(instructions.filter((line) => line.startsWith('USER '))).toHaveLength(1);
    expect(instructions.filter((line) => /^COPY .*--chown/.test(line))).toEqual([]);
  });

  test('holds the sandbox and python, and starts the process itself, not npm', () => {
    const text = lines.join('\n');
    for (const name of ['bubblewrap', 'python3'])
      expect(text).toMatch(new RegExp(`apt-get install [^\\n]*\\b${name}\\b`));
    expect(text).toContain('ENTRYPOINT ["tini", "--", "node"]');
    expect(text).toContain('CMD ["dist/src/main.js", "api"]');
  });

  test('copies only what is there and what .dockerignore lets through', () => {
    const let_in = new Set([...read('.dockerignore').matchAll(/^!(.+)$/gm)].map((match) => match[1]));
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(new Set(copied)).toEqual(let_in);
    for (const file of copied) expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
  });
});

describe('the Makefile', () => {
  const text = read('Makefile');

  test.each(
    (
      'deps dev-up run test test-all coverage benchmark lint fmt check migrate-up build build-linux ' +
      'docker-build compose-up compose-logs compose-down clean help'
    ).split(' '),
  )('has the target %s, with a line of help', (target) => {
    expect(text).toMatch(new RegExp(`^${target}:.*## \\S`, 'm'));
    expect(text.replaceAll('\\\n', ' ')).toMatch(new RegExp(`^\\.PHONY:.* ${target}( |$)`, 'm'));
  });

  test('calls only npm scripts that exist', () => {
    const called = [...text.matchAll(/\bnpm run ([\w-]+)/g)].map((match) => match[1]);
    expect(called.length).toBeGreaterThan(5);
    for (const script of called) expect(scripts).toContain(script);
    for (const script of ['start', 'test']) expect(scripts).toContain(script);
  });
});

test('the secrets of the compose stack are random, readable by their owner alone, and written once', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'compose-env-'));
  try {
    const [first, second] = ['a.env', 'b.env'].map((name) => path.join(folder, name));
    for (const file of [first, second, first]) {
      expect(spawnSync('sh', [path.join(ROOT, 'ops/compose-env.sh'), file!]).status).toBe(0);
    }
    const text = readFileSync(first!, 'utf8');
    const lines = text.trimEnd().split('\n');
    expect(lines.map((line) => line.split('=')[0])).toEqual([
      'POSTGRES_PASSWORD',
      'ORCHESTRATOR_AUTH_API_TOKEN',
      'ORCHESTRATOR_AUTH_JWT_SECRET',
      'ORCHESTRATOR_AUTH_ADMIN_PASSWORD',
      'ORCHESTRATOR_SECRETS_KEY',
    ]);
    for (const line of lines) expect(line).toMatch(/=[0-9a-f]{64}$/);
    expect(new Set(lines.map((line) => line.split('=')[1])).size).toBe(lines.length);
    expect(readFileSync(second!, 'utf8')).not.toBe(text);
    expect(statSync(first!).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the search attributes that the shell script makes are those the workflows set', () => {
  const made = /for name in ([\w ]+); do/.exec(read('ops/temporal/search-attributes.sh'))?.[1]?.split(' ');
  expect(made?.sort()).toEqual(Object.values(SEARCH_ATTRIBUTES).sort());
});

test('the licence is MIT, as package.json says', () => {
  expect((JSON.parse(read('package.json')) as { license: string }).license).toBe('MIT');
  expect(read('LICENSE')).toMatch(/^MIT License\n/);
});

test('the change log names the version of package.json', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('CHANGELOG.md')).toContain(`## [${version}]`);
});
