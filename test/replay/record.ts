/**
 * Records the histories that test/replay replays: `node --import tsx test/replay/record.ts [scenario …]`. Run it when
 * a scenario was added; never to make a failing replay pass, for the runs of users have the old histories too.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { migrate } from '../../src/persistence/migrate.ts';
import { databaseUrl, onServer } from '../support/database.ts';
import { plantedRepository } from '../support/planted-repository.ts';
import { startProduct, type Product } from '../support/product.ts';
import { startOwnStack } from '../support/stack.ts';
import { BUILTINS } from './builtins.ts';
import { MAINTENANCE } from './maintenance.ts';
import { play } from './play.ts';
import { REFINEMENTS } from './refinements.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { SCHEDULED } from './schedules.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
const wanted = process.argv.slice(2);
const stack = await startOwnStack();
await onServer(stack.database_url, 'CREATE DATABASE template');
await migrate(databaseUrl(stack.database_url, 'template'));
process.env.ORCHESTRATOR_TEST_DATABASE_URL = stack.database_url;
process.env.ORCHESTRATOR_TEST_TEMPLATE = 'template';
process.env.ORCHESTRATOR_TEST_TEMPORAL_ADDRESS = stack.temporal_address;
const shop = await plantedRepository();
const product = await startProduct({
  code: true,
  env: {
    ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: '100',
    ORCHESTRATOR_REPOSITORIES_LOCAL_ROOTS: shop.root,
  },
});
const connection = await Connection.connect({ address: stack.temporal_address });
const client = new Client({ connection });
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
await mkdir(FOLDER, { recursive: true });
try {
  await recordAll();
} finally {
  await stopAll(product);
}

async function recordAll(): Promise<void> {
  for (const [name, scenario] of Object.entries({ ...SCENARIOS, ...BUILTINS }))
    if (isWanted(name)) await recordScenario(name, scenario);
  for (const [name, scenario] of Object.entries({ ...MAINTENANCE, ...REFINEMENTS, ...SCHEDULED })) {
    if (!isWanted(name)) continue;
    await record(name, await scenario({ product, client }));
    process.stdout.write(`${name}: done\n`);
  }
}

async function recordScenario(name: string, scenario: Scenario): Promise<void> {
  const id = await play(product, name, scenario, shop.directory);
  const run = await product.ended(id);
  if (run.state !== scenario.ends)
    throw new Error(`${name} ended ${run.state}, not ${scenario.ends}: ${JSON.stringify(run.error)}`);
  await record(name, id);
  if (scenario.others) await record(`${name}_below`, await firstBelow(id));
  process.stdout.write(`${name}: ${run.state}\n`);
}

/** A run that a step of this one began. */
async function firstBelow(id: string): Promise<string> {
  const { body } = await product.call<{ items: { id: string }[] }>(
    'GET',
    `/runs?parent_run_id=${id}&limit=1`,
  );
  return body.items[0]?.id ?? '';
}

async function record(name: string, id: string): Promise<void> {
  for (const [part, history] of (await historiesOf(id)).entries()) {
    await writeFile(path.join(FOLDER, `${name}-${part + 1}.binpb`), history);
  }
}

/** The executions of a run as protobuf, oldest first: more than one when it continued as new. */
async function historiesOf(id: string): Promise<Uint8Array[]> {
  const histories: Uint8Array[] = [];
  let run_id =
    (await client.workflow.getHandle(id).describe()).raw.workflowExecutionInfo?.firstRunId ?? undefined;
  while (run_id) {
    const history = await client.workflow.getHandle(id, run_id).fetchHistory();
    histories.push(proto.temporal.api.history.v1.History.encode(history).finish());
    run_id =
      history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return histories;
}

async function stopAll(running: Product): Promise<void> {
  await connection.close();
  await running.stop();
  await stack.remove();
  await rm(shop.root, { recursive: true, force: true });
}
