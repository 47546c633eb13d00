import type { CodeHost } from '../../../contract/code-host.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import { JSON_TYPE, toBytes } from '../code-analysis/tree.ts';
import type { Sources } from '../source.ts';
import { readChanges } from './changes.ts';
import { asHostFailure } from './code-host-call.ts';
import { readContext } from './context-files.ts';
import type { ReviewInput } from './review-input.ts';

interface Deps {
  sources: Sources;
  host?: CodeHost;
  /** Whether a language model may be asked. */
  has_model: boolean;
}

/** The branch that a repository calls its own. */
const DEFAULT_BRANCH = 'HEAD';

/**
 * FetchChanges: what `head` changed since it left `base`. What is not given is that of the pull request; without one, base is the
 * default branch of the repository.
 */
export function fetchChanges({ sources, host, has_model }: Deps): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const input = config.input as unknown as ReviewInput;
      const { project_id, signal } = context;
      const { head, base } = await rangeOf(input, signal);
      const request = { project_id, repository: input.repository, ref: head, more_refs: [base], depth: null };
      return sources({ ...request, signal }, async (repository) => {
        const [base_tip] = repository.more_commits;
        if (base_tip === undefined) throw unknownBase('An uploaded tar is one commit: there is no other one');
        if (base_tip === repository.commit && input.base === undefined)
          throw unknownBase('The head is the default branch');
        const changes = await readChanges(
          repository,
          await repository.changesBetween(base_tip, repository.commit),
          signal,
        );
        const { base_commit, head_commit, files, skipped, truncated } = changes;
        const changed = new Set(files.map(({ path }) => path));
        const around = await readContext(repository, changed, signal);
        return {
          base_commit,
          head_commit,
          changes_ref: await context.keep(toBytes(changes), JSON_TYPE),
          context_ref: await context.keep(toBytes(around), JSON_TYPE),
          files: files.length,
          changed_lines: files.reduce((sum, { added_lines }) => sum + added_lines.length, 0),
          skipped,
          truncated,
          ai_review: has_model && input.ai_review !== false,
        };
      });
    });

  async function rangeOf(
    { head, base, pull_request }: ReviewInput,
    signal: AbortSignal,
  ): Promise<{ head: string; base: string }> {
    if (head !== undefined && base !== undefined) return { head, base };
    if (pull_request !== undefined && host) {
      const pull = await host.pullRequest(pull_request, { signal }).catch(asHostFailure);
      return { head: head ?? pull.head.commit, base: base ?? pull.base.ref };
    }
    if (head === undefined)
      throw new StepFailure('input_invalid', 'No code host is configured: the head has to be named.');
    return { head, base: base ?? DEFAULT_BRANCH };
  }
}

const unknownBase = (why: string): StepFailure =>
  new StepFailure('input_invalid', `${why}: the base has to be named.`);
