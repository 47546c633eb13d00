import type { SeverityCounts } from '../../../contract/findings.ts';
import type { ReviewComment } from './comments.ts';

export interface ReviewContent {
  approved: boolean;
  score: number;
  comments: readonly ReviewComment[];
  counts: SeverityCounts;
  files: number;
  changed_lines: number;
  skipped: Readonly<Record<string, number>>;
  complete: boolean;
  head_commit: string;
  /** What the language model did, or why it did nothing. */
  ai: string;
}

const MAX_LISTED = 100;

/** A review as Markdown. Nothing that the changes or the model say adds markup, links, mentions or HTML. */
export function summaryMarkdown(content: ReviewContent): string {
  const { approved, score, comments, counts, files, changed_lines, skipped, complete, head_commit, ai } =
    content;
  const listed = comments.slice(0, MAX_LISTED);
  const reasons = Object.entries(skipped).map(([reason, count]) => `${count} ${plain(reason)}`);
  return [
    `## Review: ${approved ? 'approved' : 'changes wanted'}`,
    '',
    `**Score ${score}** of 100: ${many(counts.error, 'error')}, ${many(counts.warning, 'warning')}, ${many(counts.note, 'note')} on ${many(changed_lines, 'changed line')} of ${many(files, 'file')} (commit \`${head_commit.slice(0, 12)}\`).`,
    '',
    ...(complete ? [] : ['> Not all changes could be read, so that they cannot be approved.', '']),
    ...(reasons.length > 0 ? [`Not read: ${reasons.join(', ')}.`, ''] : []),
    plain(ai),
    '',
    ...listed.map(item),
    ...(comments.length > listed.length ? [`- … and ${comments.length - listed.length} more`] : []),
  ].join('\n');
}

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function item({ severity, source, path, line, message, rule_id }: ReviewComment): string {
  const origin = source === 'ai' ? 'language model' : plain(rule_id ?? '');
  return `- **${severity}** ${code(`${path}:${line}`)} ${plain(message)} (${origin})`;
}

/** A comment as it stands beside its line. */
export function commentMarkdown({ severity, source, message, rule_id, help }: ReviewComment): string {
  const origin =
    source === 'ai'
      ? '_A language model says so: judge it before you follow it._'
      : `_Found by the rule ${code(rule_id ?? '')}._`;
  return [`**${severity}:** ${plain(message)}`, ...(help === null ? [] : [plain(help)]), origin].join('\n\n');
}

/** Text that is shown as it is; a host makes no mention, reference or link of it. */
function plain(text: string): string {
  return text
    .replace(/[\r\n\u2028\u2029]+/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replace(/@|:(?=\/\/)|#(?=\w)|www(?=\.)/gi, '$&\u200b');
}

/** Between enough back-ticks that none inside ends it. */
function code(text: string): string {
  const one_line = text.replace(/[\r\n\u2028\u2029]+/g, ' ');
  const longest = Math.max(0, ...(one_line.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${one_line}${pad}${fence}`;
}
