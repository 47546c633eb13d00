import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RepositoryLimits } from '../../src/contract/source-repository.ts';

export const LIMITS: RepositoryLimits = {
  files: 1_000,
  file_bytes: 1024 * 1024,
  total_bytes: 64 * 1024 * 1024,
  diff_bytes: 8 * 1024 * 1024,
  time_ms: 60_000,
};

/** A directory of the test file, gone after it. */
export function scratch(): string {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'orchestrator-test-')));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const ENVIRONMENT = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@localhost',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@localhost',
};

/** A repository with a work tree, made by git's own commands. */
export function repositoryAt(directory: string) {
  mkdirSync(directory, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, env: ENVIRONMENT, encoding: 'utf8', stdio: 'pipe' }).trim();
  git('init', '-q', '-b', 'main');
  const write = (file: string, content: string | Uint8Array) => {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), content);
  };
  return {
    directory,
    git,
    write,
    /** Writes the files, commits everything and answers the commit. */
    commit: (files: Readonly<Record<string, string | Uint8Array>> = {}): string => {
      for (const [file, content] of Object.entries(files)) write(file, content);
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'change');
      return git('rev-parse', 'HEAD');
    },
    /** Stores an object that no command would make, and answers its id. */
    object: (kind: string, content: Uint8Array): string => {
      const args = ['hash-object', '-w', '-t', kind, '--literally', '--stdin'];
      return execFileSync('git', args, { cwd: directory, env: ENVIRONMENT, input: content })
        .toString()
        .trim();
    },
  };
}

/** The workspaces that are left below a root. */
export const workspacesIn = (root: string): string[] =>
  readdirSync(root).filter((name) => name.startsWith('orchestrator-git-'));
