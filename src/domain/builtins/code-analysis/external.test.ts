import { standIns, type StandIns } from '../../../../test/analysis/stand-in.ts';
import { analyserProgram, findAnalysers } from '../../../clients/analysers/programs.ts';
import type { Json } from '../../../contract/json.ts';
import { hashText } from '../../../language/content-hash.ts';
import { externalAnalysers } from './external.ts';

const never = new AbortController().signal;

/** Reports the first line of every file. */
const HIT = `{"code":"F401","name":"unused-import","filename":"%s","message":"m","location":{"row":1,"column":1},"end_location":{"row":1,"column":2}}`;
const REPORTS = `ls | wc -l >> "$LOG"
printf '['; comma=''
for one in *; do printf "$comma${HIT.replaceAll('"', '\\"')}" "$PWD/$one"; comma=','; done
printf ']'`;

let stand: StandIns;
let kept: Map<string, Json>;
beforeEach(async () => {
  stand = await standIns();
  kept = new Map();
});
afterEach(() => stand.remove());

const analyses = {
  find: (keys: readonly string[]) =>
    Promise.resolve(new Map(keys.flatMap((key) => (kept.has(key) ? [[key, kept.get(key)!] as const] : [])))),
  keep: (results: ReadonlyMap<string, Json>) => {
    for (const [key, result] of results) kept.set(key, JSON.parse(JSON.stringify(result)) as Json);
    return Promise.resolve();
  },
};

async function found(files: Record<string, string>, limits: { files?: number; timeout_ms?: number } = {}) {
  const external = externalAnalysers({ programs: findAnalysers(stand.directory), analyses, limits });
  const listed = Object.entries(files).map(([path, text]) => ({ path, cas_id: hashText(text) }));
  const textOf = ({ path }: { path: string }) => Promise.resolve(files[path] ?? '');
  const { findings, analysed, problems } = await external.find(listed, {
    area: 'static',
    textOf,
    signal: never,
  });
  const places = findings.map(({ path, line, rule_id }) => `${path}:${line} ${rule_id}`).sort();
  return { places, analysed, problems };
}

test('what was looked at is not looked at again: no program is started', async () => {
  await stand.make('ruff', REPORTS);
  const files = {
    'a.py': 'import a\n',
    'b/copy.py': 'import a\n',
    'c.py': 'import c\n',
    'd.md': 'import d\n',
  };
  const places = ['a.py:1 ruff/F401', 'b/copy.py:1 ruff/F401', 'c.py:1 ruff/F401'];
  expect(await found(files)).toEqual({ places, analysed: 2, problems: [] });
  expect(await stand.log()).toEqual(['2']);
  expect(await found(files)).toEqual({ places, analysed: 0, problems: [] });
  expect(await stand.log()).toEqual(['2']);
  expect(await found({ ...files, 'e.py': 'import e\n' })).toMatchObject({ analysed: 1 });
  expect(await stand.log()).toEqual(['2', '1']);
});

test('another version looks again', async () => {
  await stand.make('ruff', REPORTS);
  await found({ 'a.py': 'import a\n' });
  await stand.make('ruff', REPORTS, '1.2.4');
  expect(await found({ 'a.py': 'import a\n' })).toMatchObject({ analysed: 1 });
  expect(await stand.log()).toHaveLength(2);
});

test('files are given in parts', async () => {
  await stand.make('ruff', REPORTS);
  const files = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`${n}.py`, `import a${n}\n`]));
  expect(await found(files, { files: 2 })).toMatchObject({ analysed: 5 });
  expect(await stand.log()).toEqual(['2', '2', '1']);
});

test('names that look like options, settings or other places are harmless', async () => {
  await stand.make('ruff', `ls -a . .. >> "$LOG"; ${REPORTS}`);
  const paths = [
    '--config=x.py',
    '../../etc/x.py',
    '-o.py',
    'a;reboot.py',
    '$(id).py',
    'new\nline.py',
    '.py',
    '/x.py',
  ];
  const hostile = Object.fromEntries(paths.map((path, n) => [path, `import a${n}\n`]));
  const { places, problems } = await found(hostile);
  const given = paths.filter((path) => path !== '.py');
  expect(places).toEqual(given.map((path) => `${path}:1 ruff/F401`).sort());
  expect(problems).toEqual([]);
  const names = (await stand.log()).filter((name) => name.endsWith('.py'));
  expect(names).toEqual(given.map((_, n) => `f${n + 1}.py`));
});

test.each<[string, string, RegExp]>([
  ['fails', 'echo "[]"; exit 2', /^ruff failed with exit status 2\.$/],
  ['takes too long', 'exec sleep 1000', /^ruff took too long\.$/],
  ['answers nonsense', 'echo "<html>"', /^ruff gave an answer that is none\.$/],
  ['names a file that is not there', `printf '[${HIT}]' ../other.py`, /^ruff gave an answer that is none\.$/],
])(
  'a program that %s is a line, keeps nothing, and the others’ findings stand',
  async (_what, script, line) => {
    await stand.make('ruff', script);
    const ways = `printf '9,99,9,1,9,"f@1-9@./f1.py","./f1.py","f","f( a )",1,9\\n'`;
    await stand.make('lizard', ways);
    const { places, problems } = await found({ 'a.py': 'def f(a):\n  pass\n' }, { timeout_ms: 5_000 });
    expect(places).toEqual(['a.py:1 lizard/complexity']);
    expect(problems).toEqual([expect.stringMatching(line)]);
    expect([...kept.keys()]).toEqual([expect.stringMatching(/^external:lizard:/)]);
  },
);

test('a program that is gone is a line', async () => {
  const program = analyserProgram('ruff', `${stand.directory}/ruff`);
  const external = externalAnalysers({ programs: [program], analyses });
  const request = { area: 'static' as const, textOf: () => Promise.resolve(''), signal: never };
  expect((await external.find([], request)).problems).toEqual(['ruff could not be started.']);
  expect(await external.key('static', never)).toMatch(/^ruff-unknown-/);
  expect(await external.key('performance', never)).toBe('');
});

test('an abort is no problem of a program', async () => {
  await stand.make('ruff', REPORTS);
  const external = externalAnalysers({ programs: findAnalysers(stand.directory), analyses });
  const reason = new Error('enough');
  const request = {
    area: 'static' as const,
    textOf: () => Promise.resolve(''),
    signal: AbortSignal.abort(reason),
  };
  await expect(external.find([], request)).rejects.toBe(reason);
});
