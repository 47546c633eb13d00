import { rm } from 'node:fs/promises';
import type { Finding } from '../../../src/contract/findings.ts';
import { osvServer, type OsvServer } from '../../support/osv-server.ts';
import { plantedRepository, type PlantedRepository } from '../../support/planted-repository.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { name: 'shop', version: '1.0.0' },
    'node_modules/event-source-poly': { version: '1.0.4' },
    'node_modules/lodash': { version: '4.17.20' },
  },
};
const LODASH = 'npm lodash@4.17.20';
const POLY = 'npm event-source-poly@1.0.4';

let osv: OsvServer;
let product: Product;
let shop: PlantedRepository;

beforeAll(async () => {
  shop = await plantedRepository();
  osv = await osvServer();
  product = await startProduct({
    env: {
      ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
      ORCHESTRATOR_ANALYSIS_ADVISORIES: osv.url,
      ORCHESTRATOR_ANALYSIS_ADVISORIES_ALLOW_HOSTS: '127.0.0.1',
    },
  });
});
afterAll(async () => {
  await stopSoundly(product);
  await osv.close();
  await rm(shop.root, { recursive: true, force: true });
  expect(osv.violations).toEqual([]);
});

interface Report {
  status: string;
  findings_ref: string;
  files_analysed: number;
  problems: { area: string; message: string }[];
}

async function analyse() {
  const input = { repository: shop.directory };
  const { body } = await product.call<{ id: string }>('POST', '/runs', { type: 'code_analysis', input });
  const report = (await product.ended(body.id)).output as Report;
  const headers = { authorization: `Bearer ${product.token}` };
  const answer = await fetch(`${product.url}/api/v1/blobs/${report.findings_ref}`, { headers });
  const findings = (await answer.json()) as Finding[];
  const flawed = findings.filter(({ path }) => path === 'package-lock.json').map(({ message }) => message);
  return { report, flawed, others: findings.length - flawed.length };
}

test('packages in lock files are asked about each time, and who cannot be asked is told', async () => {
  delete osv.known[POLY];
  const before = await analyse();
  expect(before).toMatchObject({ flawed: [], report: { status: 'completed' } });
  expect(osv.batches).toEqual([]);

  await shop.commit('locked', { 'package-lock.json': JSON.stringify(LOCK, null, 2) });
  const locked = await analyse();
  expect(locked.report.problems).toEqual([]);
  expect(locked.flawed).toHaveLength(1);
  expect(locked.flawed[0]).toContain('Command Injection in lodash');
  expect(locked.others).toBe(before.others);

  osv.known[POLY] = ['MAL-2022-1'];
  delete osv.known[LODASH];
  const later = await analyse();
  expect(later.report).toMatchObject({ files_analysed: 0, problems: [] });
  expect(later.flawed).toHaveLength(1);
  expect(later.flawed[0]).toContain('MAL-2022-1');

  await osv.close();
  const away = await analyse();
  expect(away).toMatchObject({ flawed: [], others: before.others });
  expect(away.report).toMatchObject({ status: 'completed_with_errors', problems: [{ area: 'security' }] });
});
