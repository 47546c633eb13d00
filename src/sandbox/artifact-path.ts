const MAX_PATH_BYTES = 1_024;
const MAX_SEGMENT_BYTES = 255;

/**
 * Accepts a path that somebody else chose only when it stays below the directory it is meant for: relative,
 * without `.`, `..`, empty parts, backslashes or control characters. Answers the reason for a refusal, or null.
 */
export function pathRefusal(path: string): string | null {
  if (path === '') return 'an empty path';
  if (path.startsWith('/')) return 'an absolute path';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'a path that is too long';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return 'a path with control characters or backslashes';
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.' || segment === '..')
      return 'a path with an empty, "." or ".." part';
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return 'a path with a part that is too long';
  }
  return null;
}
