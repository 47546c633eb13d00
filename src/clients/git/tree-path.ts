const MAX_PATH_BYTES = 4_096;
const MAX_PART_BYTES = 255;

/**
 * Why no file may have this path in a tree that somebody else made, or null. Paths are relative with `/`; `.git` in any
 * spelling is refused, for a tree that is written out must not become a repository with hooks of its own.
 */
export function pathRefusal(path: string): string | null {
  if (path === '') return 'an empty path';
  if (path.startsWith('/')) return 'an absolute path';
  if (path.includes('\0')) return 'a path with a NUL';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'a path that is too long';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'a path with an empty, "." or ".." part';
    if (part.toLowerCase() === '.git') return 'a path inside .git';
    if (Buffer.byteLength(part) > MAX_PART_BYTES) return 'a path with a part that is too long';
  }
  return null;
}

/** Whether a symbolic link at `path` stays inside the tree when only its text is looked at. */
export function linkStaysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  let depth = path.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}
