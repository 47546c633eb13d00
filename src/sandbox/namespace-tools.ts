import { realpathSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { findProgram } from './find-program.ts';
import type { NamespaceTools } from './namespaces.ts';

export type ToolsFound = { tools: NamespaceTools } | { reason: string; remedy: string };

/** Finds what the strong back-end is made of, or says what is missing. */
export function findNamespaceTools(): ToolsFound {
  const architecture = process.arch;
  if (process.platform !== 'linux')
    return missing('Namespaces exist on Linux only.', 'Run the worker on Linux.');
  if (architecture !== 'x64' && architecture !== 'arm64') {
    return missing(`There is no seccomp filter for ${architecture}.`, 'Run the worker on x86_64 or arm64.');
  }
  // --die-with-parent follows the thread that started the process, not the worker.
  if (!isMainThread)
    return missing('The sandbox was made in a thread.', 'Make it in the main thread of the worker.');
  const bwrap = findProgram('bwrap');
  if (!bwrap)
    return missing(
      'bubblewrap is not installed.',
      'Install bubblewrap (Debian: apt-get install bubblewrap).',
    );
  const shell = findProgram('sh');
  const tar = findProgram('tar');
  if (!shell || !tar) return missing('sh or tar is not installed.', 'Install a POSIX shell and tar.');
  // Run by root, bubblewrap would be no sandbox.
  const drops_root = process.getuid?.() === 0;
  return { tools: { bwrap, shell: realpathSync(shell), tar, drops_root, architecture } };
}

const missing = (reason: string, remedy: string): ToolsFound => ({ reason, remedy });
