import type { SandboxReport, SandboxResult } from '../../../src/contract/sandbox.ts';
import { openDoors, type Attack } from './attacks/attack.ts';
import { outputAttacks } from './attacks/outputs.ts';
import { CONTROL_DOORS, reachAttacks } from './attacks/reach.ts';
import { resourceAttacks } from './attacks/resources.ts';
import { CACHE_DIR } from './cache.ts';
import { openHost } from './host.ts';
import { runJobs } from './jobs.ts';
import { openSandbox } from './open.ts';
import { runAsNormalUser } from './unprivileged.ts';

const host = await openHost();
const { report, run } = await openSandbox();
const strong = report.isolation === 'namespaces';
const is_root = process.getuid?.() === 0;
const languages = new Set(report.languages.filter((one) => one.available).map((one) => one.language));

const all = [...reachAttacks(host), ...resourceAttacks(), ...outputAttacks()];
const attacks = all.filter((attack) => languages.has(attack.request.language));

if (!strong) console.log(`the escape matrix is skipped: ${report.reason} ${report.remedy}`);
for (const one of report.languages) if (!one.available) console.log(`without ${one.language}: ${one.reason}`);

afterAll(() => host.close());

const workers: [string, () => Promise<{ report: SandboxReport; results: SandboxResult[] }>][] = [
  ['a normal user', () => (is_root ? runAsNormalUser(attacks, { cache_dir: CACHE_DIR }) : runHere())],
  ...(is_root ? [['root', runHere] as [string, typeof runHere]] : []),
];

async function runHere(): Promise<{ report: SandboxReport; results: SandboxResult[] }> {
  return { report, results: await runJobs({ report, run }, attacks) };
}

(strong ? describe : describe.skip).each(workers)('a program started by %s', (_worker, runAll) => {
  const results = new Map<Attack, SandboxResult>();

  beforeAll(async () => {
    const answer = await runAll();
    expect(answer.report.isolation).toBe('namespaces');
    attacks.forEach((attack, index) => results.set(attack, answer.results[index]!));
  }, 180_000);

  it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', (_name, attack) => {
    const result = results.get(attack)!;
    expect(result.isolation).toBe('namespaces');
    expect(attack.damage(result)).toEqual([]);
  });
});

/** Never as root: behind these doors lies the machine that the tests run on. */
describe('the same programs without a sandbox, as a normal user', () => {
  // Go's cache is read-only for that user, and a bare process has its own directories in the cache directory.
  const controls = reachAttacks(host).filter(
    ({ request }) => languages.has(request.language) && request.language !== 'go',
  );
  let results: SandboxResult[] = [];

  beforeAll(async () => {
    results = (await runAsNormalUser(controls, { bare: true })).results;
  });

  it.each(controls.map(({ request }, index) => [request.language, index] as const))(
    '%s finds the doors open',
    (language, index) => {
      const result = results[index]!;
      expect(result.isolation).toBe('process');
      for (const door of CONTROL_DOORS[language] ?? []) {
        expect(openDoors(result)).toContainEqual(expect.stringMatching(`^ESCAPED ${door}`));
      }
    },
  );
});

it('refuses to run anything where there is no strong sandbox and no permission for less', async () => {
  const none = strong ? await openSandbox({ force_backend: 'none' }) : { report, run };
  expect(none.report).toMatchObject({
    reason: expect.any(String) as string,
    remedy: expect.any(String) as string,
  });
  await expect(none.run({ language: 'bash', source: 'true' })).rejects.toMatchObject({
    code: 'sandbox_unavailable',
  });
});
