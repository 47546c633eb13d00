import { readdir } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import os from 'node:os';
import { FINDING_AREAS } from '../../../src/contract/findings.ts';
import type { ReviewComment } from '../../../src/domain/builtins/code-review/comments.ts';
import { plantedCommits, type PlantedDefect } from '../../fixtures/planted.ts';
import { definition } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startReviewing, type Reviewing } from './review-support.ts';

const STEPS = ['FetchChanges', 'RunAutomatedChecks', 'RunAIReview', 'GenerateSummary', 'PostComments'];
let at: Reviewing;

beforeAll(async () => {
  at = await startReviewing({ ORCHESTRATOR_REPOSITORIES_ALLOW_HOSTS: '127.0.0.1' });
});
afterAll(() => at.stop());
afterEach(async () => expect(await workspaces()).toEqual([]));

describe('code_review', () => {
  test('finds the defects that a branch brings in, and says nothing of other lines', async () => {
    const { run, result } = await at.review({ head: 'coupons' });
    expect(run).toMatchObject({ state: 'completed', error: null });
    const { orders, coupons } = at.shop.commits;
    expect([result.base_commit, result.head_commit]).toEqual([orders, coupons]);
    const { defects } = (await plantedCommits())[2]!;
    const scores = FINDING_AREAS.map((area) => ({ area, ...scoreOf(area, defects, result.comments) }));
    console.log(
      scores
        .map(
          (one) =>
            `${one.area.padEnd(12)} recall ${one.recall.join('/')}  precision ${one.precision.join('/')}`,
        )
        .join('\n'),
    );
    for (const { recall, precision } of scores) {
      expect(recall[0]).toBe(recall[1]);
      expect(precision[0]).toBe(precision[1]);
    }
    const added = addedIn(await at.git('diff', '--unified=0', `${orders}...${coupons}`));
    for (const { path, line } of result.comments) expect(added).toContain(`${path}:${line}`);
    expect(result).toMatchObject({ approved: false, complete: true, skipped: {}, posted: [] });
    expect([result.posting_error, result.score < 100]).toEqual([null, true]);
    expect(result.summary).toContain('changes wanted');
  });

  test('has its steps in order, and says that no language model was asked', async () => {
    const { run, result } = await at.review({ head: 'coupons' });
    const steps = (await at.product.steps(run.id)).map(({ node, state }) => [node, state]);
    expect(steps).toHaveLength(STEPS.length);
    expect(Object.fromEntries(steps)).toEqual({
      ...Object.fromEntries(STEPS.map((name) => [name, 'succeeded'])),
      RunAIReview: 'skipped',
    });
    const events = (await at.product.events(run.id)).filter(({ type }) =>
      ['step.succeeded', 'step.completed', 'step.skipped'].includes(type),
    );
    expect(events.map(({ data }) => data.node)).toEqual(STEPS);
    expect(result.ai).toMatchObject({ used: false, state: 'skipped' });
    expect(result.summary).toContain('No language model was asked');
  });

  test('approves what has no defect', async () => {
    await at.branch('fine', { 'src/add.js': 'export const add = (a, b) => a + b;\n' });
    const { result } = await at.review({ base: 'main', head: 'fine' });
    expect(result).toMatchObject({ approved: true, complete: true, comments: [], score: 100 });
  });

  test('approves nothing that could not be read', async () => {
    const text = `// ${'x'.repeat(1_100_000)}\neval(text);\n`;
    await at.branch('large', { 'src/large.js': text, 'photo.png': text });
    const { result } = await at.review({ base: 'main', head: 'large' });
    expect(result).toMatchObject({ approved: false, complete: false, comments: [] });
    expect(result.skipped).toEqual({ too_large: 1, binary: 1 });
    expect(result.summary).toContain('cannot be approved');
  });

  test('sees what a changed line calls in a file that was not changed', async () => {
    await at.git('checkout', '-q', '-b', 'helped', 'main');
    const helper = 'export async function save(pool, row) {\n  await pool.query("INSERT", [row]);\n}\n';
    await at.shop.commit('helper', { 'src/lib/save.js': helper });
    await at.git('checkout', '-q', '-b', 'helping');
    const caller = [
      "import { save } from './save.js';",
      'export async function saveAll(pool, rows) {',
      '  for (const row of rows) await save(pool, row);',
      '  save(pool, { last: true });',
      '}',
    ];
    await at.shop.commit('caller', { 'src/lib/save-all.js': `${caller.join('\n')}\n` });
    await at.git('checkout', '-q', 'main');
    const { result } = await at.review({ base: 'helped', head: 'helping' });
    expect(result.comments.map(({ rule_id, path, line }) => [rule_id, path, line])).toEqual([
      ['static/floating-promise', 'src/lib/save-all.js', 4],
      ['performance/n-plus-one', 'src/lib/save-all.js', 3],
    ]);
  });

  test('says of a statement of several lines only what its changed line is about', async () => {
    const call = (what: string) =>
      `export function go(db, id) {\n  return db.query(\n    ${what},\n  );\n}\n`;
    await at.git('checkout', '-q', '-b', 'before', 'main');
    await at.shop.commit('before', { 'src/go.js': `eval(name);\n${call("'SELECT 1'")}` });
    await at.git('checkout', '-q', '-b', 'after');
    const evil = '`SELECT * FROM x WHERE id = ${id}`';
    await at.shop.commit('after', { 'src/go.js': `eval(name);\n${call(evil)}` });
    await at.git('checkout', '-q', 'main');
    const { result } = await at.review({ base: 'before', head: 'after' });
    expect(result.comments.map(({ path, line }) => `${path}:${line}`)).toEqual(['src/go.js:4']);
  });

  test.each([
    ['a path outside the allowed directories', { repository: '/etc', head: 'main' }, 'repository_refused'],
    ['a head there is not', { head: 'nowhere' }, 'ref_not_found'],
    ['a base that is not known', { head: 'main' }, 'input_invalid'],
    ['a pull request of no host', { pull_request: 1 }, 'input_invalid'],
    ['no common history', { head: 'main', base: 'apart' }, 'no_merge_base'],
  ])('fails at FetchChanges for %s, once', async (_what, input, code) => {
    await at.git('branch', '-f', 'apart', await at.git('commit-tree', '-m', 'apart', 'main^{tree}'));
    const { run } = await at.review(input);
    expect(run).toMatchObject({ state: 'failed', error: { step: 'FetchChanges', code } });
    const rows = (await at.product.steps(run.id)).filter(({ state }) => state !== 'skipped');
    expect(rows).toHaveLength(1);
  });

  test.each([
    ['neither a head nor a pull request', { repository: '/x' }],
    ['comments for no pull request', { repository: '/x', head: 'a', post_comments: true }],
  ])('is not started for %s', async (_what, input) => {
    const { status, body } = await at.product.call('POST', '/runs', { type: 'code_review', input });
    expect([status, body]).toMatchObject([422, { code: 'input_invalid' }]);
  });

  test('says that nothing was posted when there is nowhere to post', async () => {
    const { run, result } = await at.review({ head: 'coupons', pull_request: 1, post_comments: true });
    expect(run.state).toBe('completed');
    expect(result).toMatchObject({ posted: [], posting_error: 'No code host is configured.' });
  });

  test('is a step of a workflow of one’s own, whose next step reads the verdict', async () => {
    const input = { repository: at.shop.directory, head: 'coupons' };
    const value = '${{ steps.look.output.output.approved }}';
    await at.product.publish(
      'merge-gate',
      definition('merge-gate', {
        look: { type: 'run', config: { type: 'code_review', input } },
        good: { type: 'transform', needs: ['look'], config: { value } },
      }),
    );
    const run = await at.product.ended((await at.product.start('merge-gate')).id);
    expect(run).toMatchObject({ state: 'completed', output: { good: false } });
  });

  test.each(['cancel', 'terminate'])('leaves no workspace and no git behind after a %s', async (command) => {
    const mute = await muteServer();
    try {
      const repository = `https://127.0.0.1:${mute.port}/x.git`;
      const id = await at.begin({ repository, base: 'main', head: 'coupons' });
      await eventually(() => mute.sockets.size === 1 || undefined);
      expect(await workspaces()).toHaveLength(1);
      const reason = command === 'terminate' ? { reason: 'tested' } : {};
      expect((await at.product.call('POST', `/runs/${id}/${command}`, reason)).status).toBe(202);
      const run = await at.product.ended(id);
      expect(run.state).toBe(command === 'cancel' ? 'cancelled' : 'terminated');
      await eventually(async () => (await workspaces()).length === 0 || undefined);
      await eventually(() => mute.sockets.size === 0 || undefined);
    } finally {
      mute.server.close();
      for (const socket of mute.sockets) socket.destroy();
    }
  });
});

/** How many of the planted defects were found, and how many of the comments are of one. */
function scoreOf(area: string, defects: readonly PlantedDefect[], comments: readonly ReviewComment[]) {
  const planted = defects.filter((one) => one.area === area);
  const reported = comments.filter((one) => one.area === area);
  const isOf = (one: ReviewComment, defect: PlantedDefect) =>
    one.path === defect.path && Math.abs(one.line - defect.line) <= 1;
  const found = planted.filter((defect) => reported.some((one) => isOf(one, defect)));
  const right = reported.filter((one) => planted.some((defect) => isOf(one, defect)));
  return { recall: [found.length, planted.length], precision: [right.length, reported.length] };
}

/** `path:line` of every line that a diff without context adds. */
function addedIn(diff: string): Set<string> {
  const added = new Set<string>();
  let path = '';
  let line = 0;
  for (const text of diff.split('\n')) {
    if (text.startsWith('+++ b/')) path = text.slice(6);
    else if (text.startsWith('@@')) line = Number(/\+(\d+)/.exec(text)![1]);
    else if (text.startsWith('+')) added.add(`${path}:${line++}`);
  }
  return added;
}

/** Of this process, in which the product runs. */
const workspaces = async () =>
  (await readdir(os.tmpdir())).filter((name) => name.startsWith(`orchestrator-git-${process.pid}-`));

/** Takes connections and never says a word. */
async function muteServer(): Promise<{ server: Server; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, sockets };
}
