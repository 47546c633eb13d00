import fc from 'fast-check';
import { advisoriesOf } from '../../../src/clients/advisories/advisories-of.ts';
import { fixedIn, isAffected } from '../../../src/clients/advisories/affected.ts';
import { cvssScore } from '../../../src/clients/advisories/cvss.ts';
import { type OsvDocument, readOsvDocument } from '../../../src/clients/advisories/osv-document.ts';
import { plainText } from '../../../src/clients/advisories/plain-text.ts';
import { severityOf } from '../../../src/clients/advisories/severity.ts';

type Event = Record<string, string>;

function documentOf(fields: object): OsvDocument {
  const document = readOsvDocument(JSON.stringify({ id: 'T-1', ...fields }));
  if (!document) throw new Error('The document of the test is none.');
  return document;
}
const of = (ecosystem: string, version: string, name = 'p') => ({ ecosystem, name, version });
const ranged = (events: Event[], type = 'SEMVER', ecosystem = 'npm') =>
  documentOf({ affected: [{ package: { ecosystem, name: 'p' }, ranges: [{ type, events }] }] });

describe('a version is affected', () => {
  const SPANS: [Event[], string[], string[]][] = [
    [[{ introduced: '0' }], ['0.0.0-a', '0.0.0', '99.0.0'], ['latest']],
    [
      [{ introduced: '0' }, { fixed: '1.0.2' }],
      ['1.0.1', '1.0.2-rc.1'],
      ['1.0.2', '1.1.0'],
    ],
    [
      [{ introduced: '1.0.0' }, { last_affected: '1.4.0' }],
      ['1.0.0', '1.4.0'],
      ['1.0.0-a', '1.4.1'],
    ],
    [
      [{ fixed: '3.2.5' }, { introduced: '3.0.0' }, { introduced: '1.0.0' }, { fixed: '1.0.2' }],
      ['1.0.0', '1.0.1', '3.0.0', '3.2.4'],
      ['0.9.9', '1.0.2', '2.0.0', '3.2.5'],
    ],
    [[{ introduced: '0' }, { limit: '2.0.0' }], ['1.9.9'], ['2.0.0', '3.0.0']],
    [[{ introduced: '0' }, { limit: '*' }], ['9.0.0'], []],
    [[{ fixed: '1.0.0' }], [], ['0.1.0', '1.0.0']],
    [[{ introduced: 'soon' }], [], ['1.0.0']],
    [[], [], ['1.0.0']],
  ];
  test.each(SPANS)('by the ranges %j', (events, inside, outside) => {
    for (const type of ['SEMVER', 'ECOSYSTEM']) {
      const document = ranged(events, type);
      const affected = (version: string) => isAffected(document, of('npm', version));
      expect(inside.filter((version) => !affected(version))).toEqual([]);
      expect(outside.filter(affected)).toEqual([]);
    }
  });

  test('whatever the order of the events', () => {
    const events: Event[] = [
      { introduced: '0' },
      { fixed: '1.2.0' },
      { introduced: '2.0.0' },
      { last_affected: '2.5.0' },
    ];
    const version = fc.tuple(fc.nat(3), fc.nat(6)).map(([major, minor]) => `${major}.${minor}.0`);
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: 4 }), version, (shuffled, tried) => {
        const [major = 0, minor = 0] = tried.split('.').map(Number);
        const expected = major === 0 || (major === 1 && minor < 2) || (major === 2 && minor <= 5);
        expect(isAffected(ranged(shuffled), of('npm', tried))).toBe(expected);
      }),
    );
  });

  test('by its ecosystem’s own order', () => {
    const document = ranged([{ introduced: '0' }, { fixed: '2.0' }], 'ECOSYSTEM', 'PyPI');
    const affected = (version: string) => isAffected(document, of('PyPI', version));
    expect(['2.0rc1', '2.0.dev1', '1.10'].filter((version) => !affected(version))).toEqual([]);
    expect(['2.0', '2.0.0', '2.0.post1', '1!0.1'].filter(affected)).toEqual([]);
  });

  test('by the list of versions, in any spelling', () => {
    const entry = { package: { ecosystem: 'PyPI', name: 'P_p' }, versions: ['1.0.0', 'odd'] };
    const document = documentOf({ affected: [entry] });
    expect(isAffected(document, of('PyPI', '1.0', 'p-p'))).toBe(true);
    expect(isAffected(document, of('PyPI', 'odd', 'p-p'))).toBe(true);
    expect(isAffected(document, of('PyPI', '1.1', 'p-p'))).toBe(false);
  });

  test('of no other package, ecosystem or kind of range', () => {
    const document = ranged([{ introduced: '0' }]);
    expect(isAffected(document, of('npm', '1.0.0', 'P'))).toBe(false);
    expect(isAffected(document, of('PyPI', '1.0.0'))).toBe(false);
    expect(isAffected(ranged([{ introduced: '0' }], 'GIT'), of('npm', '1.0.0'))).toBe(false);
    expect(
      isAffected(ranged([{ introduced: '0' }], 'SEMVER', 'constructor'), of('constructor', '1.0.0')),
    ).toBe(false);
  });

  test('the next version without the flaw is the lowest fix above it', () => {
    const document = ranged([
      { introduced: '2.0.0' },
      { fixed: '2.10.0' },
      { introduced: '0' },
      { fixed: '1.9.0' },
      { fixed: '1.10.0' },
    ]);
    expect(fixedIn(document, of('npm', '1.8.0'))).toBe('1.9.0');
    expect(fixedIn(document, of('npm', '2.1.0'))).toBe('2.10.0');
    expect(fixedIn(document, of('npm', '3.0.0'))).toBeUndefined();
  });
});

describe('the severity', () => {
  /** Scores as first.org and NVD publish them. */
  test.each([
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 9.8],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H', 10],
    ['CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H', 7.2],
    ['CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N', 8.6],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N', 6.1],
    ['CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:N/I:N/A:L', 2.5],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', 0],
    ['AV:N/AC:L/Au:N/C:N/I:N/A:C', 7.8],
    ['(AV:N/AC:M/Au:N/C:P/I:P/A:P)', 6.8],
    ['AV:N/AC:L/Au:N/C:C/I:C/A:C', 10],
    ['CVSS:3.1/AV:N', undefined],
    ['CVSS:9.9/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', undefined],
    ['constructor:constructor', undefined],
    ['', undefined],
  ])('of %s is %s', (vector, score) => {
    expect(cvssScore(vector)).toBe(score);
  });

  test.each([
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'error'],
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N', 'warning'],
    ['CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N', 'note'],
  ])('of version 4 comes from the nearest vector of version 3: %s', (score, severity) => {
    expect(severityOf(documentOf({ severity: [{ type: 'CVSS_V4', score }] }), of('npm', '1'))).toBe(severity);
  });

  const HIGH = { type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' };
  const LOW = { type: 'CVSS_V3', score: 'CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:N/I:N/A:L' };
  test.each([
    [{ database_specific: { severity: 'CRITICAL' } }, 'error'],
    [{ database_specific: { severity: 'HIGH' } }, 'error'],
    [{ database_specific: { severity: 'MODERATE' }, severity: [HIGH] }, 'warning'],
    [{ database_specific: { severity: 'LOW' } }, 'note'],
    [{ database_specific: { severity: 7 }, severity: [HIGH] }, 'error'],
    [{ database_specific: { severity: 'constructor' }, severity: [LOW] }, 'note'],
    [{ severity: [LOW, HIGH] }, 'error'],
    [{ severity: [{ type: 'Ubuntu', score: 'medium' }] }, 'warning'],
    [{ severity: [HIGH], affected: [{ package: { ecosystem: 'npm', name: 'p' }, severity: [LOW] }] }, 'note'],
    [
      { affected: [{ package: { ecosystem: 'npm', name: 'p' }, ecosystem_specific: { severity: 'LOW' } }] },
      'note',
    ],
    [{ id: 'MAL-2024-1' }, 'error'],
    [{}, undefined],
  ])('of the document %j is %s', (fields, severity) => {
    expect(severityOf(documentOf(fields), of('npm', '1.0.0'))).toBe(severity);
  });
});

describe('an advisory', () => {
  const one = of('npm', '1.0.0');
  const summaries = (...documents: object[]) =>
    advisoriesOf(one, documents.map(documentOf)).map(({ id }) => id);

  test('that was withdrawn is none', () => {
    expect(summaries({ withdrawn: '2023-01-02T00:00:00Z' }, { id: 'T-2', withdrawn: null })).toEqual(['T-2']);
  });

  test('is one in however many databases it is, told by who rates it', () => {
    const rated = { database_specific: { severity: 'LOW' } };
    expect(
      summaries(
        { id: 'PYSEC-1', aliases: ['CVE-1'] },
        { id: 'GHSA-1', aliases: ['CVE-1'], ...rated },
        { id: 'CVE-2', aliases: null },
        { id: 'GHSA-2', aliases: ['CVE-2'] },
      ),
    ).toEqual(['GHSA-1', 'CVE-2']);
  });

  test('is told in one line of plain text', () => {
    const summary = ` A <script>alert(1)</script>\n \`bug\` in [it](x)\u202e\u0000 **${'x'.repeat(300)}** `;
    const [told] = advisoriesOf(one, [documentOf({ summary })]);
    expect(told?.summary).toMatch(/^A scriptalert\(1\)\/script bug in it\(x\) x+…$/);
    expect(told?.summary).toHaveLength(200);
    const [by_details] = advisoriesOf(one, [
      documentOf({ summary: ' ', details: '\nIn p, it leaks.\nMore.' }),
    ]);
    expect(by_details?.summary).toBe('In p, it leaks');
  });

  test('never has markup or unseen characters, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 2, max: 50 }),
        (text, max) => {
          const plain = plainText(text, max);
          expect([...plain].length).toBeLessThanOrEqual(max);
          expect(plain).not.toMatch(/[<>`*[\]|~\\\n\r\t\p{Cc}\p{Cf}]/u);
        },
      ),
    );
  });

  test('names no fix that is no version', () => {
    const events: Event[] = [{ introduced: '0' }, { fixed: '1.0.1 <b>' }];
    expect(advisoriesOf(one, [ranged(events)])[0]).not.toHaveProperty('fixed_in');
  });
});

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"id": "../x"}',
  '{"id": ""}',
  '{"id": "A-1", "affected": 1}',
  '{"id": "A-1", "affected": [{"package": "x"}]}',
  `{"id": "A-1", "affected": [{"ranges": [{"type": "SEMVER", "events": [{"introduced": "${'1'.repeat(300)}"}]}]}]}`,
])('text that is no OSV document is not taken for one: %s', (text) => {
  expect(readOsvDocument(text)).toBeUndefined();
});
