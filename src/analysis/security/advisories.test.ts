import { sourceFile } from '../../../test/analysis/analyse-text.ts';
import { type AdvisorySource, findAdvisories, lockedPackages } from './advisories.ts';

const LOCK = `{
  "lockfileVersion": 3,
  "packages": {
    "": { "name": "shop" },
    "node_modules/left": { "version": "1.0.0" },
    "node_modules/@a/b": { "version": "2.0.0" },
    "node_modules/left/node_modules/deep": { "version": "3.0.0" }
  }
}`;

const source: AdvisorySource = (packages) =>
  Promise.resolve(
    packages
      .filter((one) => one.name === '@a/b')
      .map(({ name, version }) => ({
        id: 'GHSA-1',
        package: name,
        version,
        summary: 'It leaks',
        severity: 'warning',
        fixed_in: '2.0.1',
      })),
  );

describe('a lock file', () => {
  test('tells every version with its line', () => {
    expect(lockedPackages({ path: 'package-lock.json', text: LOCK })).toEqual([
      { ecosystem: 'npm', name: 'left', version: '1.0.0', line: 5 },
      { ecosystem: 'npm', name: '@a/b', version: '2.0.0', line: 6 },
      { ecosystem: 'npm', name: 'deep', version: '3.0.0', line: 7 },
    ]);
    expect(lockedPackages({ path: 'requirements.txt', text: '# a\nFlask[async] == 2.0.1\nx>=1\n' })).toEqual([
      { ecosystem: 'PyPI', name: 'flask', version: '2.0.1', line: 2 },
    ]);
  });

  test('has a finding for what the source knows a flaw of', async () => {
    const findings = await findAdvisories(sourceFile('package-lock.json', LOCK), source);
    expect(findings).toMatchObject([
      {
        rule_id: 'security/vulnerable-dependency',
        severity: 'warning',
        line: 6,
        message: '@a/b 2.0.0: It leaks (GHSA-1). Fixed in 2.0.1.',
      },
    ]);
  });

  test.each(['', '{', '[]', '{"packages": 3}', '{"packages": {"node_modules/a": null}}'])(
    'that is none has none: %s',
    async (text) => {
      expect(await findAdvisories(sourceFile('package-lock.json', text), source)).toEqual([]);
    },
  );
});
