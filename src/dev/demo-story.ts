import type { JsonObject } from '../contract/json.ts';
import type { DemoClient } from './demo-client.ts';
import { casIdOf, readExample, uploadFiles, type Example } from './demo-example.ts';
import { followRun } from './demo-stream.ts';
import { progressOf, type Screen } from './demo-table.ts';

interface Published {
  tag: string;
  tag_version: number;
  cas_id: string;
  version_hash: string;
}

interface Run {
  id: string;
  state: string;
  version_hash: string;
  output: JsonObject | null;
  error: { code: string; message: string; step?: string } | null;
}

interface Patch {
  tag_version: number;
  version_hash: string;
  op_count: number;
}

interface Diff {
  nodes: { added: string[]; removed: string[]; changed: { node: string; pointers: string[] }[] };
  operations: unknown[];
}

interface Tag {
  version: number;
  target_hash: string;
}

/** Stricter than the published limit, so that a second station is above it. */
const OPERATIONS = [
  { op: 'test', path: '/params/turbidity_limit', value: 8 },
  { op: 'replace', path: '/params/turbidity_limit', value: 7 },
];

/** Publish, run, patch, run, diff, undo, read the first version again. Answers the ids of both runs. */
export async function tellStory(client: DemoClient, screen: Screen): Promise<string[]> {
  const say = (line = '') => screen.write(`${line}\n`);
  const example = await readExample('csv-pipeline');
  const published = await publish(client, example, say);
  const before = await client.getBlob(published.cas_id);

  say('\n2. Run it.');
  const first = await runToEnd(client, example, published.tag, screen);

  say('\n3. Patch it: the turbidity limit goes from 8 to 7.');
  const patch = await client.call<Patch>('POST', '/patches', {
    tag: published.tag,
    operations: OPERATIONS,
    message: 'Stricter turbidity limit',
  });
  say(`   ${published.tag} is now at version ${patch.tag_version}: ${short(patch.version_hash)}`);

  say('\n4. Run it again: same data, new version.');
  const second = await runToEnd(client, example, published.tag, screen);
  await showDiff(client, first, second, say);
  await undo(client, published, say);
  await readFirstAgain(client, { published, before, first }, say);
  return [first.id, second.id];
}

async function publish(
  client: DemoClient,
  example: Example,
  say: (line: string) => void,
): Promise<Published> {
  say('\n1. Publish examples/csv-pipeline.');
  await uploadFiles(client, example);
  const { name } = example.definition;
  const published = await client.call<Published>('POST', '/workflows', {
    tag_name: name,
    workflow: example.definition,
  });
  say(
    `   ${example.files.length} files stored by hash; ${name} is at version ${published.tag_version}: ${short(published.version_hash)}`,
  );
  return published;
}

async function runToEnd(client: DemoClient, example: Example, tag: string, screen: Screen): Promise<Run> {
  const { id } = await client.call<Run>('POST', '/runs', { workflow: tag, input: example.input });
  const progress = progressOf(Object.keys(example.definition.nodes), screen);
  try {
    await followRun(client, id, (event) => progress.show(event));
  } finally {
    progress.close();
  }
  const run = await client.call<Run>('GET', `/runs/${id}?wait=30`);
  if (run.state !== 'completed')
    throw new Error(`Run ${id} ended ${run.state}: ${run.error?.message ?? 'no reason given'}`);
  screen.write(`   flagged: ${JSON.stringify(run.output?.flagged)}   version ${short(run.version_hash)}\n`);
  return run;
}

async function showDiff(
  client: DemoClient,
  first: Run,
  second: Run,
  say: (line: string) => void,
): Promise<void> {
  say('\n5. What changed between the two runs:');
  const query = new URLSearchParams({ from: first.version_hash, to: second.version_hash });
  const diff = await client.call<Diff>('GET', `/diff?${query.toString()}`);
  const { added, removed, changed } = diff.nodes;
  say(`   nodes: ${added.length} added, ${removed.length} removed, ${changed.length} changed`);
  for (const operation of diff.operations) say(`   ${JSON.stringify(operation)}`);
}

async function undo(client: DemoClient, published: Published, say: (line: string) => void): Promise<void> {
  say('\n6. Undo the patch.');
  const tag = await client.call<Tag>('POST', `/tags/${encodeURIComponent(published.tag)}/undo`, {});
  say(`   ${published.tag} is at version ${tag.version} and points at ${short(tag.target_hash)} again`);
  if (tag.target_hash !== published.version_hash)
    throw new Error('Undo did not lead back to the published version');
}

interface FirstVersion {
  published: Published;
  before: Uint8Array;
  first: Run;
}

async function readFirstAgain(
  client: DemoClient,
  facts: FirstVersion,
  say: (line: string) => void,
): Promise<void> {
  const { published, before, first } = facts;
  say('\n7. Read the version of the first run again.');
  const after = await client.getBlob(published.cas_id);
  const hash = casIdOf(after);
  const is_same = Buffer.compare(before, after) === 0 && hash === first.version_hash;
  if (!is_same) throw new Error(`The first version changed: ${first.version_hash} now reads as ${hash}`);
  say(`   ${after.byteLength} bytes, byte for byte what ran: ${hash}`);
}

function short(hash: string): string {
  return hash.slice(0, 'sha256:'.length + 12);
}
