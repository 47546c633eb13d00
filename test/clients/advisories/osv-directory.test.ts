import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findAdvisories } from '../../../src/analysis/security/advisories.ts';
import { osvDirectory } from '../../../src/clients/advisories/osv-directory.ts';
import { sourceFile } from '../../analysis/analyse-text.ts';
import { OSV_DOCUMENTS } from '../../support/osv-server.ts';

const never = new AbortController().signal;
const LODASH = { ecosystem: 'npm', name: 'lodash', version: '4.17.20' };
const ALL = [
  LODASH,
  { ecosystem: 'npm', name: 'lodash', version: '4.17.21' },
  { ecosystem: 'npm', name: 'event-source-poly', version: '1.0.4' },
  { ecosystem: 'PyPI', name: 'Jinja2', version: '2.4.1' },
  { ecosystem: 'PyPI', name: 'jinja2', version: '2.10.1' },
  { ecosystem: 'Go', name: 'golang.org/x/text', version: '0.3.6' },
  { ecosystem: 'npm', name: 'left-pad', version: '1.3.0' },
];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'osv-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const write = (name: string, content: unknown) => {
  mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
  writeFileSync(path.join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
};
const flaw = (id: string, name = 'lodash', more: object = {}) => ({
  id,
  affected: [
    { package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] },
  ],
  ...more,
});
const told = ({ advisories }: { advisories: { id: string; package: string; version: string }[] }) =>
  advisories.map(({ id, package: name, version }) => `${name}@${version} ${id}`).sort();

test('what its documents say of a version is told, as a server of the same documents would', async () => {
  const { advisories, problems } = await osvDirectory({ directory: OSV_DOCUMENTS })(ALL, never);
  expect(told({ advisories })).toEqual([
    'Jinja2@2.4.1 GHSA-462w-v97r-4m45',
    'event-source-poly@1.0.4 MAL-2022-1',
    'golang.org/x/text@0.3.6 GO-2021-0113',
    'lodash@4.17.20 GHSA-35jh-r3h4-6jhm',
  ]);
  expect(problems).toEqual([]);
  expect(advisories.find(({ id }) => id === 'GO-2021-0113')).toEqual({
    id: 'GO-2021-0113',
    ecosystem: 'Go',
    package: 'golang.org/x/text',
    version: '0.3.6',
    summary: 'Out-of-bounds read in golang.org/x/text/language',
    severity: 'warning',
    fixed_in: '0.3.7',
  });
});

test('it is a source of findings', async () => {
  const source = osvDirectory({ directory: OSV_DOCUMENTS });
  const lock = sourceFile('go.sum', 'golang.org/x/text v0.3.6 h1:aRYxNxv6iGQlyVaZmk6Z=\n');
  const { findings } = await findAdvisories([lock], source, never);
  expect(findings).toMatchObject([{ path: 'go.sum', line: 1, severity: 'warning' }]);
});

test('documents may lie at any depth, and what is hidden or no document is left alone', async () => {
  cpSync(OSV_DOCUMENTS, path.join(directory, 'a/b/c'), { recursive: true });
  write('.git/x.json', flaw('T-hidden'));
  write('README.md', 'no document');
  const { advisories, problems } = await osvDirectory({ directory })(ALL, never);
  expect(advisories).toHaveLength(4);
  expect(problems).toEqual([]);
});

test('a directory that changes is read again, at any depth', async () => {
  const look = osvDirectory({ directory });
  const found = async () => told(await look([LODASH], never));
  expect(await found()).toEqual([]);
  write('npm/T-1.json', flaw('T-1'));
  expect(await found()).toEqual(['lodash@4.17.20 T-1']);
  write('npm/deep/T-2.json', flaw('T-2'));
  expect(await found()).toEqual(['lodash@4.17.20 T-1', 'lodash@4.17.20 T-2']);
  rmSync(path.join(directory, 'npm/T-1.json'));
  expect(await found()).toEqual(['lodash@4.17.20 T-2']);
});

test('a directory that is put in the place of another is read again, though it is as old', async () => {
  const look = osvDirectory({ directory: path.join(directory, 'live') });
  write('live/T-1.json', flaw('T-1'));
  write('next/T-2.json', flaw('T-2'));
  for (const name of ['live', 'next']) utimesSync(path.join(directory, name), 1, 1);
  expect(told(await look([LODASH], never))).toEqual(['lodash@4.17.20 T-1']);
  renameSync(path.join(directory, 'live'), path.join(directory, 'old'));
  renameSync(path.join(directory, 'next'), path.join(directory, 'live'));
  expect(told(await look([LODASH], never))).toEqual(['lodash@4.17.20 T-2']);
});

test('a directory that has not changed is not searched again', async () => {
  const look = osvDirectory({ directory });
  write('T-1.json', flaw('T-1', 'other'));
  utimesSync(directory, 1, 1);
  expect(told(await look([LODASH], never))).toEqual([]);
  // Which packages it is about changes in place: nothing of the directory tells.
  write('T-1.json', flaw('T-1'));
  utimesSync(directory, 1, 1);
  expect(told(await look([LODASH], never))).toEqual([]);
  utimesSync(directory, 2, 2);
  expect(told(await look([LODASH], never))).toEqual(['lodash@4.17.20 T-1']);
});

test('what a document says now counts, not what it said', async () => {
  const look = osvDirectory({ directory });
  write('T-1.json', flaw('T-1'));
  expect(told(await look([LODASH], never))).toEqual(['lodash@4.17.20 T-1']);
  write('T-1.json', flaw('T-1', 'lodash', { withdrawn: '2024-01-01T00:00:00Z' }));
  expect(told(await look([LODASH], never))).toEqual([]);
});

test('a directory that is not there is a problem until it is', async () => {
  const look = osvDirectory({ directory: path.join(directory, 'later') });
  expect(await look([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The directory of advisories could not be read.'],
  });
  write('later/T-1.json', flaw('T-1'));
  expect(told(await look([LODASH], never))).toEqual(['lodash@4.17.20 T-1']);
});

test('files that are no document are counted, and the others stand', async () => {
  write('a.json', '{');
  write('b.json', '{"id": "../x"}');
  write('c.json', flaw('T-large', 'lodash', { details: 'x'.repeat(10_000) }));
  write('d.json', flaw('T-1'));
  const answer = await osvDirectory({ directory, max_document_bytes: 5_000 })([LODASH], never);
  expect(told(answer)).toEqual(['lodash@4.17.20 T-1']);
  expect(answer.problems).toEqual(['Documents of the directory of advisories that could not be read: 3.']);
});

test('more documents than are read are said to be missing', async () => {
  for (const name of ['a', 'b', 'c']) write(`${name}/${name}.json`, flaw(`T-${name}`));
  const answer = await osvDirectory({ directory, max_documents: 2 })([LODASH], never);
  expect(answer.advisories).toHaveLength(2);
  expect(answer.problems).toEqual(['The directory of advisories has more documents than are read.']);
});

test('links out of it are not followed', async () => {
  symlinkSync(OSV_DOCUMENTS, path.join(directory, 'link'));
  symlinkSync(path.join(OSV_DOCUMENTS, 'MAL-2022-1.json'), path.join(directory, 'link.json'));
  expect(await osvDirectory({ directory })(ALL, never)).toEqual({ advisories: [], problems: [] });
});

test('who goes away does not take the reading from others', async () => {
  cpSync(OSV_DOCUMENTS, directory, { recursive: true });
  const look = osvDirectory({ directory });
  const gone = new AbortController();
  const first = look([LODASH], gone.signal);
  const second = look([LODASH], never);
  gone.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  expect(told(await second)).toEqual(['lodash@4.17.20 GHSA-35jh-r3h4-6jhm']);
});
