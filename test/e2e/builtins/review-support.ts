import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { PostedComment } from '../../../src/contract/code-host.ts';
import type { ReviewComment } from '../../../src/domain/builtins/code-review/comments.ts';
import { plantedRepository } from '../../support/planted-repository.ts';
import { startProduct } from '../../support/product.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const execute = promisify(execFile);

/** What tests look at of the result of a review. */
export interface Review {
  approved: boolean;
  score: number;
  summary: string;
  comments: ReviewComment[];
  comments_ref: string;
  complete: boolean;
  ai: { used: boolean; state: string };
  base_commit: string;
  head_commit: string;
  skipped: Record<string, number>;
  posted: PostedComment[];
  posting_error: string | null;
}

/** A product with further settings that reviews a planted shop of its own; stop it. */
export async function startReviewing(env: Record<string, string>) {
  const shop = await plantedRepository();
  const product = await startProduct({ env: { ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root, ...env } });
  async function begin(input: object): Promise<string> {
    const type = 'code_review';
    const { status, body } = await product.call<{ id: string }>('POST', '/runs', {
      type,
      input: { repository: shop.directory, ...input },
    });
    expect([status, body]).toMatchObject([202, { type }]);
    return body.id;
  }
  const git = async (...args: string[]) =>
    (await execute('git', ['-C', shop.directory, ...args])).stdout.trim();
  return {
    product,
    shop,
    begin,
    git,
    async review(input: object) {
      const run = await product.ended(await begin(input));
      return { run, result: run.output as Review };
    },
    /** Commits files on a new branch that leaves `main`, and goes back to `main`; answers the commit. */
    async branch(name: string, files: Record<string, string>): Promise<string> {
      await git('checkout', '-q', '-B', name, 'main');
      const commit = await shop.commit(name, files);
      await git('checkout', '-q', 'main');
      return commit;
    },
    async stop() {
      await stopSoundly(product);
      await rm(shop.root, { recursive: true, force: true });
    },
  };
}

export type Reviewing = Awaited<ReturnType<typeof startReviewing>>;
