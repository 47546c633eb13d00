import { extensionOf } from './source-language.ts';

export type SkipReason = 'too_large' | 'binary' | 'minified' | 'vendored' | 'generated';

export const MAX_FILE_BYTES = 1024 * 1024;
/** Nobody writes lines of this length on average; minifiers do. */
const MINIFIED_LINE_CHARS = 400;
const MINIFIED_MIN_CHARS = 4_000;
const SNIFFED_CHARS = 8_000;

const VENDORED = new Set([
  'node_modules',
  'bower_components',
  'vendor',
  'vendors',
  'third_party',
  'dist',
  'build',
  'out',
  'coverage',
  '.git',
  '.next',
  '__pycache__',
  '.venv',
  'venv',
  'site-packages',
]);
/** Long lines are normal there. */
const DATA = new Set(['json', 'md', 'svg', 'csv', 'txt', 'lock', 'yaml', 'yml', 'html', 'xml', 'sql']);

/** Why a file need not be read at all, or undefined. `size_bytes` is its size where it is known. */
export function skipReasonOfPath(path: string, size_bytes = 0): SkipReason | undefined {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  if (folders.some((folder) => VENDORED.has(folder))) return 'vendored';
  if (/[.-]min\.(js|mjs|cjs|css)$/.test(name)) return 'minified';
  if (/\.(map|snap)$/.test(name)) return 'generated';
  return size_bytes > MAX_FILE_BYTES ? 'too_large' : undefined;
}

/** Why a file is not analysed, or undefined. */
export function skipReasonOf({ path, text }: { path: string; text: string }): SkipReason | undefined {
  const reason = skipReasonOfPath(path, text.length);
  if (reason !== undefined) return reason;
  const start = text.slice(0, SNIFFED_CHARS);
  if (start.includes('\0') || replacements(start) > start.length / 50) return 'binary';
  if (/@generated\b|DO NOT EDIT/.test(text.slice(0, 500))) return 'generated';
  return !DATA.has(extensionOf(path)) && isMinified(text) ? 'minified' : undefined;
}

/** U+FFFD stands where bytes were no UTF-8. */
function replacements(text: string): number {
  return text.split('\ufffd').length - 1;
}

function isMinified(text: string): boolean {
  if (text.length < MINIFIED_MIN_CHARS) return false;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return text.length / Math.max(1, lines.length) > MINIFIED_LINE_CHARS;
}
