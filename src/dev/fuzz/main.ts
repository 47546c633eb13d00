/**
 * `npm run fuzz [-- --examples <n>] [--seed <n>]`: schemathesis over the OpenAPI document of a stack of its own, as the
 * administrator and as a viewer. Ends with status 0 when no answer was a server error or other than documented.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cleanup } from '../bench/bed.ts';
import { devEnvironment } from '../environment.ts';
import { CHECKS, LEFT_OUT, TOOL_SETTINGS } from './left-out.ts';
import { startTarget, type Target } from './target.ts';
import { FuzzError, installedTool, runTool } from './tool.ts';

const USAGE = 'usage: npm run fuzz [-- --examples <number> --seed <number>]';
const REQUEST_TIMEOUT_SECONDS = 60;

interface Options {
  examples: string;
  seed: string;
}

const undo = cleanup((error) => console.error(error));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void undo.run().finally(() => process.exit(130)));
try {
  process.exitCode = await fuzz(readOptions());
} catch (error) {
  console.error(error instanceof FuzzError ? error.message : error);
  process.exitCode = 1;
} finally {
  await undo.run();
}

async function fuzz(options: Options): Promise<number> {
  const say = (line: string) => console.log(line);
  const program = await installedTool(devEnvironment().cache_dir, say);
  const target = await startTarget(undo, say);
  await writeFile(path.join(target.directory, 'schemathesis.toml'), TOOL_SETTINGS);
  for (const [id, why] of Object.entries(LEFT_OUT)) say(`left out: ${id}: ${why}`);
  let failures = 0;
  for (const caller of Object.keys(target.callers)) {
    say(`\nAs the ${caller}, seed ${options.seed}:`);
    const args = argumentsFor(target, caller, options);
    if ((await runTool(program, args, target.directory)) !== 0) failures += 1;
  }
  say(failures === 0 ? '\nNothing was found.' : '\nWhat was found stands above.');
  return failures === 0 ? 0 : 1;
}

function argumentsFor({ url, callers }: Target, caller: string, { examples, seed }: Options): string[] {
  return [
    'run',
    `${url}/openapi.json`,
    ...['--header', `Authorization: Bearer ${callers[caller]}`],
    ...['--checks', CHECKS.join(',')],
    ...['--phases', 'examples,coverage,fuzzing'],
    ...['--max-examples', examples],
    ...['--seed', seed],
    ...['--request-timeout', String(REQUEST_TIMEOUT_SECONDS)],
    '--continue-on-failure',
    // What is not there is most of what a viewer is told.
    ...['--warnings', 'off'],
    ...Object.keys(LEFT_OUT).flatMap((id) => ['--exclude-operation-id', id]),
  ];
}

function readOptions(): Options {
  try {
    const options = {
      examples: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    } as const;
    const { values } = parseArgs({ options });
    for (const value of Object.values(values))
      if (!/^\d{1,9}$/.test(value)) throw new Error(`${value} is no number.`);
    return values;
  } catch (error) {
    throw new FuzzError(`${(error as Error).message}\n${USAGE}`, { cause: error });
  }
}
