import { rm } from 'node:fs/promises';
import type { Finding } from '../../../src/contract/findings.ts';
import { standIns, type StandIns } from '../../analysis/stand-in.ts';
import { plantedRepository, type PlantedRepository } from '../../support/planted-repository.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const GITHUB = `ghp_${'aB3dE5gH7jK9mN1pQ3sT5vX7zA2cD4fG6hJ8'}`;

/** Says of every file with `marked` that it holds a secret, on that line. */
const SECRETS = `ls | wc -l >> "$LOG"
printf '['; comma=''
grep -nH marked * | while IFS=: read -r file line rest; do
  printf '%s{"RuleID":"github-pat","File":"%s","StartLine":%s,"EndLine":%s}' "$comma" "$file" "$line" "$line"; comma=','
done
printf ']'`;

let product: Product;
let shop: PlantedRepository;
let stand: StandIns;

beforeAll(async () => {
  shop = await plantedRepository();
  stand = await standIns();
  await stand.make('gitleaks', SECRETS);
  const env = { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root, PATH: stand.directory };
  product = await startProduct({ env });
});
afterAll(async () => {
  await stopSoundly(product);
  await stand.remove();
  await rm(shop.root, { recursive: true, force: true });
});

interface Report {
  status: string;
  findings_ref: string;
  sarif_ref: string;
  files_analysed: number;
  problems: unknown[];
}

async function analyse() {
  const input = { repository: shop.directory, types: ['security'] };
  const { body } = await product.call<{ id: string }>('POST', '/runs', { type: 'code_analysis', input });
  const report = (await product.ended(body.id)).output as Report;
  const findings = JSON.parse(await blob(report.findings_ref)) as Finding[];
  const places = findings.map(({ path, line, rule_id }) => `${path}:${line} ${rule_id}`);
  return { report, places };
}
async function blob(cas_id: string): Promise<string> {
  const headers = { authorization: `Bearer ${product.token}` };
  return (await fetch(`${product.url}/api/v1/blobs/${cas_id}`, { headers })).text();
}

test('programs of others are asked once about a file, told once, and missed when they fail', async () => {
  await shop.commit('marked', {
    'marked/a.txt': 'nothing\nmarked and seen by nobody else\n',
    'marked/b.txt': `marked ${GITHUB}\n`,
  });
  const first = await analyse();
  expect(first.report).toMatchObject({ status: 'completed', problems: [] });
  expect(first.places.filter((place) => place.startsWith('marked/'))).toEqual([
    'marked/a.txt:2 gitleaks/github-pat',
    'marked/b.txt:1 security/hardcoded-secret',
  ]);
  const sarif = JSON.parse(await blob(first.report.sarif_ref)) as { runs: { tool: { driver: object } }[] };
  expect(sarif.runs.map(({ tool }) => tool.driver)).toContainEqual(
    expect.objectContaining({ name: 'gitleaks' }),
  );
  expect(await stand.log()).toHaveLength(1);

  const again = await analyse();
  expect(again).toMatchObject({ places: first.places, report: { files_analysed: 0, problems: [] } });
  expect(await stand.log()).toHaveLength(1);

  await shop.commit('more', { 'marked/c.txt': 'marked again\n' });
  const more = await analyse();
  expect(more.report.problems).toEqual([]);
  expect(more.places).toContain('marked/c.txt:1 gitleaks/github-pat');
  expect((await stand.log())[1]).toBe('1');

  await stand.make('gitleaks', 'exit 7', '2.0.0');
  const without = await analyse();
  expect(without.report).toMatchObject({
    status: 'completed_with_errors',
    problems: [{ area: 'security', message: 'gitleaks failed with exit status 7.' }],
  });
  expect(without.places).toEqual(more.places.filter((place) => !place.includes('gitleaks')));
});
