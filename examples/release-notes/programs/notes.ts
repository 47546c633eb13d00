/** Program of the node `notes`: writes out/NOTES.md from the lines of `collect` on stdin, and counts them by type. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

interface Commit {
  hash: string;
  type: string;
  scope: string;
  breaking: '!' | '';
  text: string;
}

const SECTIONS: Record<string, string> = { feat: 'Added', fix: 'Fixed', perf: 'Faster' };

const commits = readFileSync(0, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Commit);

mkdirSync('out', { recursive: true });
writeFileSync('out/NOTES.md', `${notes(process.argv[2] ?? 'Next', commits).join('\n')}\n`);
console.log(JSON.stringify({ commits: commits.length, by_type: countByType(commits) }));

function notes(title: string, all: Commit[]): string[] {
  const sections = Object.entries(SECTIONS).map(([type, heading]) =>
    section(
      heading,
      all.filter((c) => c.type === type),
    ),
  );
  return [
    `# ${title}`,
    ...section(
      'Breaking',
      all.filter((c) => c.breaking === '!'),
    ),
    ...sections.flat(),
  ];
}

function section(heading: string, some: Commit[]): string[] {
  return some.length === 0
    ? []
    : ['', `## ${heading}`, '', ...some.map((c) => `- **${c.scope}**: ${c.text} (${c.hash})`)];
}

function countByType(all: Commit[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of all) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
