import { ANALYSER_NAMES } from '../../src/clients/analysers/commands.ts';
import { findAnalysers } from '../../src/clients/analysers/programs.ts';
import { EXTERNAL_TOOLS } from '../../src/analysis/external/tools.ts';
import type { Json } from '../../src/contract/json.ts';
import { externalAnalysers } from '../../src/domain/builtins/code-analysis/external.ts';
import { hashText } from '../../src/language/content-hash.ts';
import { SOURCES } from '../fixtures/analysers/sources.ts';

/** One thing that any version of each program finds in the sources. */
const FOUND = {
  ruff: 'shop/load.py:11 ruff/F821',
  lizard: 'shop/load.py:27 lizard/complexity',
  bandit: 'shop/load.py:16 bandit/B602',
  semgrep: 'cmd/run.go:11 semgrep/go-tls-unverified',
  gitleaks: 'config/notes.txt:3 gitleaks/github-pat',
};
const installed = findAnalysers(process.env.PATH ?? '');
const never = new AbortController().signal;

describe.each(ANALYSER_NAMES)('%s as it is installed', (name) => {
  const program = installed.find((one) => one.name === name);

  (program ? test : test.skip)('is asked and understood, and asked nothing twice', async () => {
    const kept = new Map<string, Json>();
    const external = externalAnalysers({
      programs: program ? [program] : [],
      analyses: {
        find: (keys) => Promise.resolve(new Map([...kept].filter(([key]) => keys.includes(key)))),
        keep: (results) => {
          for (const [key, result] of results) kept.set(key, result);
          return Promise.resolve();
        },
      },
    });
    const files = Object.entries(SOURCES).map(([path, text]) => ({ path, cas_id: hashText(text) }));
    const textOf = ({ path }: { path: string }) => Promise.resolve(SOURCES[path] ?? '');
    const request = { area: EXTERNAL_TOOLS[name].area, textOf, signal: never };
    const first = await external.find(files, request);
    expect(first.problems).toEqual([]);
    const places = first.findings.map(({ path, line, rule_id }) => `${path}:${line} ${rule_id}`);
    expect(places).toContain(FOUND[name]);
    const again = await external.find(files, request);
    expect(again).toEqual({ ...first, analysed: 0 });
    console.log(`${name} ${await program?.version(never)}: ${places.length} findings`);
  });
});
