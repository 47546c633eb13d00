import type { Client } from '@temporalio/client';
import { refinementId } from '../../src/contract/refinement.ts';
import { DEFAULT_PROJECT_ID } from '../../src/domain/projects.ts';
import { newId } from '../../src/ids.ts';
import { definition, transform } from '../support/definitions.ts';
import type { Product } from '../support/product.ts';

interface Place {
  product: Product;
  client: Client;
}

/** One way a refinement may go: brings it about, and answers the id of the execution once it has ended. */
type RefinementScenario = (place: Place) => Promise<string>;

async function asked(product: Product): Promise<string> {
  await product.publish('refined', definition('refined', { a: transform(1) }));
  const body = { workflow: 'refined', instructions: 'retry a 3 times' };
  return (await product.call<{ proposal_id: string }>('POST', '/refinements', body)).body.proposal_id;
}

async function completed({ product, client }: Place): Promise<string> {
  const id = refinementId(await asked(product));
  await client.workflow.getHandle(id).result();
  return id;
}

/** Against a version that is not there. */
async function failed({ product, client }: Place): Promise<string> {
  const id = newId();
  await product.database.pool.query(
    `INSERT INTO proposal (id, project_id, draft_id, thread_id, instructions, base_id, base_hash, created_by, started_at)
     SELECT $1, project_id, draft_id, $2, instructions, $2, base_hash, created_by, now() FROM proposal WHERE id = $3`,
    [id, newId(), await asked(product)],
  );
  const handle = await client.workflow.start('refinement', {
    workflowId: refinementId(id),
    taskQueue: product.config.temporal.task_queue,
    args: [{ project_id: DEFAULT_PROJECT_ID, proposal_id: id }],
  });
  await handle.result();
  return handle.workflowId;
}

/** Every way of the workflow that has proposals worked out. */
export const REFINEMENTS: Readonly<Record<string, RefinementScenario>> = {
  refinement: completed,
  refinement_failed: failed,
};
