import fc from 'fast-check';
import { findingsIn } from '../../test/analysis/analyse-text.ts';
import { trendsOf } from './trends.ts';

const CODE = `import { exec } from 'node:child_process';
export function run(name) {
  if (name == 1) exec('ls ' + name);
  return eval(name);
}
export class Job {
  start(id) {
    exec('kill ' + id);
    exec('kill ' + id);
    return this.query(\`SELECT a FROM t WHERE id = \${id}\`);
  }
}
run(new Job());
`;

const fingerprints = (files: Record<string, string>): string[] =>
  findingsIn(files)
    .map((one) => one.fingerprint)
    .sort();
const BEFORE = fingerprints({ 'src/a.js': CODE });

describe('a fingerprint', () => {
  test('belongs to one finding of an analysis only, copies of a file included', () => {
    const all = fingerprints({ 'src/a.js': CODE, 'src/b.js': CODE });
    expect(BEFORE.length).toBeGreaterThan(4);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(BEFORE));
  });

  test('stays when lines come in above, at any place between statements of the module', () => {
    const filler = fc.array(
      fc.constantFrom('', '// a note', 'const unrelated = 1; console.log(unrelated);'),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(filler, fc.constantFrom(0, 1, 5, 12), (lines, at) => {
        const rows = CODE.split('\n');
        const once = [...new Set(lines)];
        expect(
          fingerprints({ 'src/a.js': [...rows.slice(0, at), ...once, ...rows.slice(at)].join('\n') }),
        ).toEqual(BEFORE);
      }),
      { numRuns: 30 },
    );
  });

  test('stays when the code is indented anew, broken into lines, or the file renamed', () => {
    const indented = CODE.split('\n')
      .map((line) => `\t\t${line}`)
      .join('\n');
    expect(fingerprints({ 'src/a.js': indented })).toEqual(BEFORE);
    expect(fingerprints({ 'src/a.js': CODE.replaceAll('(', '(\n  ') })).toEqual(BEFORE);
    expect(fingerprints({ 'lib/other.js': CODE })).toEqual(BEFORE);
  });

  test('is another one when the code or the function around it is', () => {
    const changed = fingerprints({ 'src/a.js': CODE.replace('eval(name)', 'eval(name.text)') });
    expect(changed.filter((one) => !BEFORE.includes(one))).toHaveLength(1);
    const renamed = fingerprints({ 'src/a.js': CODE.replaceAll('start', 'begin') });
    expect(renamed.filter((one) => BEFORE.includes(one)).length).toBeLessThan(BEFORE.length);
  });

  test('tells what is new, fixed and unchanged', () => {
    const before = findingsIn({ 'src/a.js': CODE });
    const after = findingsIn({
      'src/a.js': `\n\n${CODE.replace('return eval(name);', 'return name;')}\nnew Function(run.text);\n`,
    });
    const trends = trendsOf(after, before);
    expect(trends.fixed.map((one) => one.kind)).toEqual(['code-injection']);
    expect(trends.new.map((one) => one.kind)).toEqual(['code-injection']);
    expect(trends.unchanged).toHaveLength(before.length - 1);
    expect(trendsOf(after).new).toEqual(after);
  });
});
