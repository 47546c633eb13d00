/** `npm run bench`: every figure of the product beside a reference, taken in alternation in one run. */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { cleanup, makeBed, type Bed, type Cleanup } from './bed.ts';
import { paceOf, type Measure } from './measure.ts';
import { blobs } from './measure-blobs.ts';
import { codeAnalysis, codeExecution } from './measure-builtins.ts';
import { counts } from './measure-counts.ts';
import { patches } from './measure-patches.ts';
import { commands, health, heartbeats, streams } from './measure-control.ts';
import { memory, start, waiting } from './measure-processes.ts';
import { fanOut, w4Activities, w4Alone, w4Light } from './measure-runs.ts';
import { sandbox } from './measure-sandbox.ts';
import { gc, streaming } from './measure-upkeep.ts';
import { versions } from './measure-versions.ts';
import { reads, tagMoves } from './measure-store.ts';
import { LIMIT_SECONDS, readOptions, UsageError, type Options } from './options.ts';
import { tableOf } from './report.ts';
import type { Row } from './rows.ts';

/** In this order: what leaves the product as it was goes first. */
const MEASURES: Readonly<Record<string, Measure>> = {
  w4_light: w4Light,
  w4_alone: w4Alone,
  fan_out: fanOut,
  counts,
  tag_moves: tagMoves,
  reads,
  blobs,
  patches,
  versions,
  gc,
  commands,
  streams,
  heartbeats,
  health,
  sandbox,
  code_execution: codeExecution,
  code_analysis: codeAnalysis,
  w4_activities: w4Activities,
  streaming,
  memory,
  waiting,
  start,
};
/** Not in a quick look: each takes a quarter of a minute or more. */
const SLOW = new Set(['code_execution', 'code_analysis', 'memory', 'waiting', 'start']);

const say = (line: string) => void process.stderr.write(`${line}\n`);

interface Results {
  rows: Row[];
  details: Record<string, unknown>;
  failures: Record<string, string>;
  /** Not measured, because the time was over. */
  skipped: string[];
}

async function bench(options: Options): Promise<boolean> {
  const undo = cleanup((error) => say(`Clean-up: ${String(error)}`));
  const stopped = new Promise<never>((_, reject) => {
    const stop = () =>
      void undo.run().finally(() => reject(new Interrupted('Stopped; everything is removed.')));
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
  return Promise.race([stopped, measured(options, undo)]);
}

class Interrupted extends Error {}

async function measured(options: Options, undo: Cleanup): Promise<boolean> {
  const began = Date.now();
  try {
    const load_before = os.loadavg();
    say(
      `Starting PostgreSQL, Temporal, the product and the references (load average ${load_before[0]?.toFixed(1)}) …`,
    );
    const bed = await makeBed(options, undo, say);
    const results = await measureAll(bed, options, { began, undo });
    // What was under way when everything was taken from under it is no result.
    if (undo.isRunning()) return false;
    process.stdout.write(`\n${tableOf(results.rows)}\n`);
    for (const [name, reason] of Object.entries(results.failures))
      process.stdout.write(`FAILED ${name}: ${reason}\n`);
    if (results.skipped.length > 0)
      process.stdout.write(`NOT MEASURED, the time was over: ${results.skipped.join(', ')}\n`);
    if (options.json) await writeFile(options.json, jsonOf(results, { options, began, load_before }));
    return Object.keys(results.failures).length === 0;
  } finally {
    await undo.run();
  }
}

async function measureAll(
  bed: Bed,
  options: Options,
  { began, undo }: { began: number; undo: Cleanup },
): Promise<Results> {
  const results: Results = { rows: [], details: {}, failures: {}, skipped: [] };
  const limit_seconds = options.only.length > 0 ? Infinity : LIMIT_SECONDS[options.quick ? 'quick' : 'full'];
  const wanted = Object.entries(MEASURES).filter(([name]) =>
    options.only.length > 0 ? options.only.includes(name) : !options.quick || !SLOW.has(name),
  );
  for (const [name, measure] of wanted) {
    if (Date.now() - began > limit_seconds * 1_000) {
      results.skipped.push(name);
      continue;
    }
    const from = performance.now();
    try {
      const { rows, details } = await measure(bed, paceOf(options));
      results.rows.push(...rows);
      results.details[name] = details;
    } catch (error) {
      results.failures[name] = `${textOf(error)}\nThe product's last words:\n${await lastWords(bed)}`;
    }
    if (undo.isRunning()) break;
    const seconds = ((performance.now() - from) / 1_000).toFixed(0);
    say(`${name}: ${name in results.failures ? 'FAILED' : 'done'} in ${seconds} s`);
  }
  return results;
}

const textOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function lastWords({ product }: Bed): Promise<string> {
  return (await readFile(product.log_file, 'utf8').catch(String)).slice(-2_000);
}

interface About {
  options: Options;
  began: number;
  load_before: number[];
}

function jsonOf(
  { rows, failures, skipped, details }: Results,
  { options, began, load_before }: About,
): string {
  const machine = {
    cpus: os.cpus().map(({ model }) => model),
    memory_bytes: os.totalmem(),
    node: process.version,
    load_before,
  };
  const seconds = (Date.now() - began) / 1_000;
  return `${JSON.stringify({ began: new Date(began), seconds, options, machine, rows, failures, skipped, details }, null, 2)}\n`;
}

try {
  const options = readOptions(process.argv.slice(2), Object.keys(MEASURES));
  process.exit((await bench(options)) ? 0 : 1);
} catch (error) {
  say(error instanceof Interrupted || error instanceof UsageError ? error.message : textOf(error));
  process.exit(error instanceof Interrupted ? 130 : 1);
}
