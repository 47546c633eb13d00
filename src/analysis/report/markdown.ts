import { FINDING_AREAS, type Finding } from '../../contract/findings.ts';
import { MAX_LISTED, type ReportContent, scoreChange, worstFirst } from './report-content.ts';

/** The report as Markdown. Names and messages of the analysed tree are escaped: they cannot add markup, links or HTML. */
export function toMarkdown(content: ReportContent): string {
  const { title, revision, score, counts, trends, problems = [] } = content;
  const change = scoreChange(content);
  return [
    `# ${escaped(title)}`,
    '',
    ...(revision === undefined ? [] : [`Revision: ${code(revision)}`, '']),
    `**Score ${score}** of 100${change === '' ? '' : ` (${change})`}: ${counts.total} findings in ${counts.files} files, ${counts.lines} lines.`,
    '',
    '| area | errors | warnings | notes |',
    '|---|---:|---:|---:|',
    ...FINDING_AREAS.map((area) => {
      const { error, warning, note } = counts.areas[area];
      return `| ${area} | ${error} | ${warning} | ${note} |`;
    }),
    '',
    `New: ${trends.new.length} · fixed: ${trends.fixed.length} · unchanged: ${trends.unchanged.length}`,
    '',
    ...skipped(counts.skipped),
    ...problems.flatMap((one) => [`> Not analysed: ${escaped(one.area)}: ${escaped(one.message)}`, '']),
    ...section('New', trends.new),
    ...section('Unchanged', trends.unchanged),
    ...section('Fixed', trends.fixed),
  ].join('\n');
}

function skipped(reasons: Readonly<Record<string, number>>): string[] {
  const parts = Object.entries(reasons).map(
    ([reason, count]) => `${count} ${escaped(reason.replaceAll('_', ' '))}`,
  );
  return parts.length === 0 ? [] : [`Not read: ${parts.join(', ')}.`, ''];
}

function section(name: string, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const listed = worstFirst(findings).slice(0, MAX_LISTED);
  const rest = findings.length - listed.length;
  return [`## ${name}`, '', ...listed.map(item), ...(rest > 0 ? [`- … and ${rest} more`] : []), ''];
}

function item({ severity, path, line, rule_id, message, help, cwe }: Finding): string {
  const more = [help, cwe].filter((one) => one !== undefined).map(escaped);
  return `- **${severity}** ${code(`${path}:${line}`)} ${escaped(message)} (${escaped(rule_id)})${more.length > 0 ? `  \n  ${more.join(' ')}` : ''}`;
}

function escaped(text: string): string {
  const one_line = text.replace(/[\r\n\u2028\u2029]+/g, ' ');
  return one_line
    .replace(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/:\/\//g, ':\u200b//')
    .replace(/@/g, '&#64;');
}

/** Between enough back-ticks that none inside ends it. */
function code(text: string): string {
  const one_line = text.replace(/[\r\n\u2028\u2029]+/g, ' ');
  const longest = Math.max(0, ...[...one_line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${one_line}${fence}` : `${fence} ${one_line} ${fence}`;
}
