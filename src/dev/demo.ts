/** `npm run demo`: the whole story of one definition, live in the terminal, on the stack that runs or on one it starts. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { demoClient } from './demo-client.ts';
import { findOrStartStack, type DemoStack } from './demo-stack.ts';
import { tellStory } from './demo-story.ts';
import type { Screen } from './demo-table.ts';
import type { DevFile } from './dev-file.ts';
import { devEnvironment } from './environment.ts';

const screen: Screen = {
  write: (text) => void process.stdout.write(text),
  is_tty: process.stdout.isTTY && process.stdin.isTTY,
};

async function demo(): Promise<void> {
  const { data_dir } = devEnvironment();
  const found = await findOrStartStack(data_dir, (line) => screen.write(`${line}\n`));
  try {
    const runs = await tellStory(demoClient(found.stack), screen);
    screen.write(linksOf(found.stack, runs));
    await untilEnter(found);
  } finally {
    await found.stop();
  }
}

function linksOf(stack: DevFile, runs: readonly string[]): string {
  const lines = runs.flatMap((id, i) => [
    `   run ${i + 1}  ${stack.api_url}/api/v1/runs/${id}`,
    ...(stack.temporal_ui_url
      ? [`          ${stack.temporal_ui_url}/namespaces/default/workflows/${id}`]
      : []),
  ]);
  return `\nLook at them (the API takes the token in dev.json as bearer token):\n${lines.join('\n')}\n`;
}

/** The links are of use only while the stack runs. */
async function untilEnter({ is_ours }: DemoStack): Promise<void> {
  if (!is_ours || !screen.is_tty) return;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  screen.write('\nPress Enter to stop the stack that this demo started. ');
  // Ctrl-C and a closed terminal end the wait as well.
  await Promise.race(['line', 'SIGINT', 'close'].map((event) => once(terminal, event)));
  terminal.close();
}

try {
  await demo();
} catch (error) {
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
