import type { Product } from '../support/product.ts';
import type { Scenario } from './scenarios.ts';

/** Has a scenario happen, up to where the run only has to end; answers the run. `repository`: the planted one, for those that read it. */
export async function play(
  product: Product,
  name: string,
  scenario: Scenario,
  repository?: string,
): Promise<string> {
  for (const [other, its] of Object.entries(scenario.others ?? {})) await product.publish(other, its);
  await scenario.before?.(product);
  if (scenario.definition) await product.publish(name, scenario.definition);
  const id = await started(product, name, scenario, repository);
  await scenario.act?.(product, id);
  return id;
}

async function started(
  product: Product,
  name: string,
  scenario: Scenario,
  repository?: string,
): Promise<string> {
  const { start, fork, type } = scenario;
  const input = scenario.in_repository ? { repository, ...(scenario.input as object) } : scenario.input;
  if (type) return accepted(product, '/runs', { type, input });
  const { id } = await product.start(name, input, start);
  if (!fork) return id;
  await product.ended(id);
  return accepted(product, `/runs/${id}/fork`, fork);
}

async function accepted(product: Product, path: string, body: unknown): Promise<string> {
  const answer = await product.call<{ id: string }>('POST', path, body);
  if (answer.status !== 202)
    throw new Error(`${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}
