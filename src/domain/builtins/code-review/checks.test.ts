import { analyseFile } from '../../../analysis/analyse-file.ts';
import { analyseTree } from '../../../analysis/analyse-tree.ts';
import type { Finding } from '../../../contract/findings.ts';
import type { NodeContext } from '../../nodes/node.ts';
import type { Analyser } from '../code-analysis/analyser.ts';
import type { ReviewChanges, ReviewFile } from './changes.ts';
import { runAutomatedChecks } from './checks.ts';
import type { ReviewContext } from './context-files.ts';

const analyser: Analyser = {
  file: (file, areas) => Promise.resolve(file.path === 'slow.js' ? undefined : analyseFile(file, areas)),
  tree: (facts, areas) => Promise.resolve(analyseTree(facts, areas)),
};
const analyses = { find: () => Promise.resolve(new Map()), keep: () => Promise.resolve() };
const context: ReviewContext = { files: [], others: [], is_whole: true };

function fileOf(path: string, text: string): ReviewFile {
  const added_lines = text.split('\n').map((_, i) => i + 1);
  return { path, old_path: path, status: 'added', cas_id: `sha256:${path}`, text, added_lines, hunks: [] };
}

async function checked(files: ReviewFile[], around: ReviewContext = context, own: Analyser = analyser) {
  const changes: ReviewChanges = { base_commit: '', head_commit: '', files, skipped: {}, truncated: false };
  const left: Record<string, unknown> = { changes, around };
  const get = (_: string, ref: string) => Promise.resolve({ bytes: Buffer.from(JSON.stringify(left[ref])) });
  let findings: Finding[] = [];
  const given = {
    project_id: 'p',
    signal: new AbortController().signal,
    keep: (bytes: Buffer) => {
      findings = JSON.parse(bytes.toString()) as Finding[];
      return Promise.resolve('sha256:0');
    },
  } as unknown as NodeContext;
  const step = runAutomatedChecks({ blobs: { get } as never, analyses, analyser: own });
  const outcome = await step({ changes_ref: 'changes', context_ref: 'around' }, given);
  return { outcome, kinds: findings.map(({ kind, path }) => `${path} ${kind}`) };
}
const importing = fileOf('src/a.js', "import { b } from './b.js';\nb();\n");

test('a file that takes too long is counted, and the others are checked', async () => {
  const { outcome, kinds } = await checked([
    fileOf('slow.js', 'eval(x);\n'),
    fileOf('fast.js', 'eval(x);\n'),
  ]);
  expect(outcome).toMatchObject({ state: 'succeeded', output: { files: 2, files_timed_out: 1 } });
  expect(kinds).toHaveLength(1);
  expect(kinds[0]).toMatch(/^fast\.js /);
});

test('all of them together taking too long fails the step', async () => {
  const stuck: Analyser = { ...analyser, tree: () => Promise.resolve(undefined) };
  const { outcome } = await checked([fileOf('a.js', '1;\n')], context, stuck);
  expect(outcome).toMatchObject({ state: 'failed', error: { code: 'analysis_timeout' } });
});

test.each<[string, ReviewContext, string[]]>([
  ['is not there', context, ['src/a.js unresolved-import']],
  ['is there and not read', { ...context, others: ['src/b.js'] }, []],
  ['may be among those that are too many to list', { ...context, is_whole: false }, []],
])('an import of what %s', async (_what, around, expected) => {
  expect((await checked([importing], around)).kinds).toEqual(expected);
});
