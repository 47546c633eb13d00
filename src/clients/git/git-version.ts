import { SourceFailure } from '../../contract/source-repository.ts';
import { type GitOptions, runGit } from './git-process.ts';

/** Older ones do not know `http.curloptResolve`, and would ask the DNS a second time. */
const OLDEST = { major: 2, minor: 37 };
const OUTPUT_BYTES = 1_024;

/** Throws `git_unavailable` when git is missing or too old to be held to what it is told. */
export async function requireGit(options: Omit<GitOptions, 'output_bytes'>): Promise<void> {
  const { stdout } = await runGit(['version'], { ...options, output_bytes: OUTPUT_BYTES });
  const [, major, minor] = /^git version (\d{1,4})\.(\d{1,4})/.exec(stdout.toString('latin1')) ?? [];
  if (Number(major) > OLDEST.major) return;
  if (Number(major) === OLDEST.major && Number(minor) >= OLDEST.minor) return;
  const needed = `${OLDEST.major}.${OLDEST.minor}`;
  throw new SourceFailure('git_unavailable', `Git ${needed} or newer is needed.`);
}
