import type { ReviewFile } from './changes.ts';
import { anchorRemarks, type Remark } from './ai-remarks.ts';

const file = (text: string, path = 'a.js'): ReviewFile => ({
  path,
  old_path: path,
  status: 'modified',
  cas_id: '',
  text,
  added_lines: [],
  hunks: [],
});
const remark = (line: number, message = 'x', path = 'a.js'): Remark => ({
  path,
  line,
  severity: 'note',
  message,
});
const prints = (remarks: Remark[], text: string) =>
  anchorRemarks(remarks, [file(text), file(text, 'b.js')]).map(({ fingerprint }) => fingerprint);

test('a remark keeps its fingerprint when its line moves, is indented or is remarked on in other words', () => {
  const before = prints([remark(1)], 'go();\n');
  expect(prints([remark(3, 'other words')], '\n\n  go();\n')).toEqual(before);
  expect(before[0]).toMatch(/^ai-[0-9a-f]{32}$/);
});

test('remarks on other text, in another file, or beside an equal one have other fingerprints', () => {
  const text = 'go();\nrun();\ngo();\n';
  const all = prints([remark(3), remark(1), remark(2), remark(1, 'x', 'b.js'), remark(1, 'again')], text);
  expect(new Set(all).size).toBe(5);
});
