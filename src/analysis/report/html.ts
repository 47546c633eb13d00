import { FINDING_AREAS, type Finding } from '../../contract/findings.ts';
import { MAX_LISTED, type ReportContent, scoreChange, worstFirst } from './report-content.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2330;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}
td,th{padding:.25rem .75rem;text-align:left;border-bottom:1px solid #d9dee7;vertical-align:top}
code{font-family:ui-monospace,monospace;font-size:.9em}.score{font-size:2.2rem;font-weight:600}
.error{color:#b3261e}.warning{color:#8a5a00}.note{color:#4a5568}
@media (prefers-color-scheme:dark){body{background:#12161d;color:#e6e9ef}td,th{border-color:#333b48}
.error{color:#ff8a80}.warning{color:#ffcc66}.note{color:#a7b0be}}`;

/** The report as one HTML page: it loads nothing and runs nothing, and everything from the analysed tree is escaped. */
export function toHtml(content: ReportContent): string {
  const { title, revision, score, counts, trends, problems = [] } = content;
  const change = scoreChange(content);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${revision === undefined ? '' : `<p>Revision: <code>${escaped(revision)}</code></p>`}
<p><span class="score">${score}</span> of 100${change === '' ? '' : ` (${change})`}: ${counts.total} findings in ${counts.files} files, ${counts.lines} lines.</p>
<table>
<tr><th>area</th><th>errors</th><th>warnings</th><th>notes</th></tr>
${FINDING_AREAS.map((area) => areaRow(area, counts.areas[area])).join('\n')}
</table>
<p>New: ${trends.new.length} · fixed: ${trends.fixed.length} · unchanged: ${trends.unchanged.length}</p>
${problems.map((one) => `<p class="error">Not analysed: ${escaped(one.area)}: ${escaped(one.message)}</p>`).join('\n')}
${skipped(counts.skipped)}
${section('New', trends.new)}${section('Unchanged', trends.unchanged)}${section('Fixed', trends.fixed)}</body>
</html>
`;
}

function areaRow(
  area: string,
  { error, warning, note }: Record<'error' | 'warning' | 'note', number>,
): string {
  return `<tr><td>${area}</td><td>${error}</td><td>${warning}</td><td>${note}</td></tr>`;
}

function skipped(reasons: Readonly<Record<string, number>>): string {
  const parts = Object.entries(reasons).map(
    ([reason, count]) => `${count} ${escaped(reason.replaceAll('_', ' '))}`,
  );
  return parts.length === 0 ? '' : `<p>Not read: ${parts.join(', ')}.</p>`;
}

function section(name: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const listed = worstFirst(findings).slice(0, MAX_LISTED);
  const rest = findings.length - listed.length;
  return `<h2>${name}</h2>
<table>
<tr><th>severity</th><th>place</th><th>finding</th></tr>
${listed.map(row).join('\n')}
</table>
${rest > 0 ? `<p>… and ${rest} more</p>\n` : ''}`;
}

function row({ severity, path, line, message, rule_id, help, cwe }: Finding): string {
  const more = [help, cwe]
    .filter((one) => one !== undefined)
    .map(escaped)
    .join(' ');
  return `<tr><td class="${severity}">${severity}</td><td><code>${escaped(path)}:${line}</code></td><td>${escaped(message)} <code>${escaped(rule_id)}</code>${more === '' ? '' : `<br>${more}`}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
}
