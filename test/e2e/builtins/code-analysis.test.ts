import { rm } from 'node:fs/promises';
import type { Finding } from '../../../src/contract/findings.ts';
import { definition } from '../../support/definitions.ts';
import { plantedRepository, type PlantedRepository } from '../../support/planted-repository.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const STEPS = [
  'FetchCode',
  'GenerateReport',
  'RunPerformanceAnalysis',
  'RunSecurityAnalysis',
  'RunStaticAnalysis',
];

let product: Product;
let shop: PlantedRepository;

beforeAll(async () => {
  shop = await plantedRepository();
  product = await startProduct({ env: { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root } });
});
afterAll(async () => {
  await stopSoundly(product);
  await rm(shop.root, { recursive: true, force: true });
});

interface Report {
  status: string;
  commit: string;
  score: number;
  counts: { total: number; files: number; error: number };
  trends: { new: number; fixed: number; unchanged: number; previous_score: number | null };
  findings_ref: string;
  sarif_ref: string;
  report_ref: string;
  report_markdown_ref: string;
  files_analysed: number;
  problems: unknown[];
}

async function analyse(input: object) {
  const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
    type: 'code_analysis',
    input,
  });
  expect([status, body]).toMatchObject([202, { type: 'code_analysis' }]);
  const run = await product.ended(body.id);
  return { run, report: run.output as Report };
}
async function blob(cas_id: string): Promise<string> {
  const answer = await fetch(`${product.url}/api/v1/blobs/${cas_id}`, {
    headers: { authorization: `Bearer ${product.token}` },
  });
  expect(answer.status).toBe(200);
  return answer.text();
}

describe('code_analysis', () => {
  test('analyses a commit of a repository: findings, SARIF and reports are stored', async () => {
    const { run, report } = await analyse({ repository: shop.directory });
    expect(run).toMatchObject({ state: 'completed', output: { status: 'completed', problems: [] } });
    expect((await product.steps(run.id)).map(({ node, state }) => [node, state]).sort()).toEqual(
      STEPS.map((name) => [name, 'succeeded']),
    );
    expect(report.commit).toBe(shop.commits.orders);
    expect(report.score).toBeLessThan(100);
    const findings = JSON.parse(await blob(report.findings_ref)) as Finding[];
    expect(findings).toHaveLength(report.counts.total);
    expect(new Set(findings.map(({ area }) => area))).toEqual(new Set(['static', 'security', 'performance']));
    const sarif = JSON.parse(await blob(report.sarif_ref)) as {
      version: string;
      runs: { results: unknown[] }[];
    };
    expect(sarif.version).toBe('2.1.0');
    expect(sarif.runs.flatMap(({ results }) => results)).toHaveLength(findings.length);
    const [first] = findings;
    for (const ref of [report.report_ref, report.report_markdown_ref])
      expect(await blob(ref)).toContain(first?.path);
    expect(report.trends).toMatchObject({ new: findings.length, previous_score: null });
  });

  test('runs no analyser over what it has seen, and says what is new and what was fixed', async () => {
    const branch = { repository: shop.directory, ref: 'main' };
    const before = (await analyse(branch)).report;
    const again = (await analyse(branch)).report;
    expect(again).toMatchObject({ files_analysed: 0, score: before.score });
    expect(again.trends).toEqual({
      new: 0,
      fixed: 0,
      unchanged: before.counts.total,
      previous_score: before.score,
    });
    const commit = await shop.commit('one more', {
      'src/evil.js': 'export function run(text) {\n  return eval(text);\n}\n',
    });
    const after = (await analyse(branch)).report;
    expect(after.commit).toBe(commit);
    // One file in three areas.
    expect(after.files_analysed).toBe(3);
    expect(after.trends.new).toBeGreaterThan(0);
    expect(after.trends.unchanged).toBe(before.counts.total);
    const found = JSON.parse(await blob(after.findings_ref)) as Finding[];
    expect(found.filter(({ path }) => path === 'src/evil.js')).toContainEqual(
      expect.objectContaining({ area: 'security', line: 2 }),
    );
  });

  test('reports nothing of a part that only the whole can tell', async () => {
    const { report } = await analyse({ repository: shop.directory, path: 'test', types: ['static'] });
    const findings = JSON.parse(await blob(report.findings_ref)) as Finding[];
    // What tests import lies outside.
    expect(findings.filter(({ kind }) => kind === 'unresolved-import' || kind === 'dead-export')).toEqual([]);
  });

  test('looks only where and for what it is told to', async () => {
    const { run, report } = await analyse({ repository: shop.directory, path: 'test', types: ['security'] });
    const states = (await product.steps(run.id)).map(({ node, state }) => [node, state]);
    expect(Object.fromEntries(states)).toMatchObject({
      RunStaticAnalysis: 'skipped',
      RunSecurityAnalysis: 'succeeded',
      RunPerformanceAnalysis: 'skipped',
    });
    const findings = JSON.parse(await blob(report.findings_ref)) as Finding[];
    for (const { path, area } of findings)
      expect([path.startsWith('test/'), area]).toEqual([true, 'security']);
  });

  test.each([
    ['a path outside the allowed directories', { repository: '/etc' }, 'repository_refused'],
    ['a ref there is not', { repository: '', ref: 'nowhere' }, 'ref_not_found'],
    ['an address inside', { repository: 'https://127.0.0.1/x.git' }, 'egress_refused'],
  ])('fails at FetchCode for %s, once', async (_what, input, code) => {
    const { run } = await analyse({ ...input, repository: input.repository || shop.directory });
    expect(run).toMatchObject({ state: 'failed', error: { step: 'FetchCode', code } });
    const rows = (await product.steps(run.id)).filter(({ state }) => state !== 'skipped');
    expect(rows).toHaveLength(1);
  });

  test('is a step of a workflow of one’s own, whose next step reads the score', async () => {
    const input = { repository: shop.directory };
    await product.publish(
      'gate',
      definition('gate', {
        look: { type: 'run', config: { type: 'code_analysis', input } },
        good: {
          type: 'transform',
          needs: ['look'],
          config: { value: '${{ steps.look.output.output.score > 99.9 }}' },
        },
      }),
    );
    const run = await product.ended((await product.start('gate')).id);
    expect(run).toMatchObject({ state: 'completed', output: { good: false } });
  });
});
