/**
 * The thread that runs one program in QuickJS. Kept as text because a thread's file would have to exist in
 * compiled form, which it does not when the sources are run directly. It sees `workerData`: the path of
 * quickjs-emscripten, the program, and its limits; it answers one message per output and one at the end.
 */
export const WASM_THREAD = `
const { parentPort, workerData: job } = require('node:worker_threads');
const { getQuickJS } = require(job.quickjs);

const send = (stream, text) => parentPort.postMessage({ stream, text });

function printer(context, stream) {
  return context.newFunction(stream, (...values) => {
    const words = values.map((value) => {
      const plain = context.dump(value);
      return typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : String(plain);
    });
    send(stream, words.join(' ') + '\\n');
  });
}

function setGlobals(context) {
  const console = context.newObject();
  for (const [name, stream] of [['log', 'stdout'], ['info', 'stdout'], ['warn', 'stderr'], ['error', 'stderr']]) {
    const print = printer(context, stream);
    context.setProp(console, name, print);
    print.dispose();
  }
  context.setProp(context.global, 'console', console);
  console.dispose();
  const input = context.unwrapResult(context.evalCode('(' + JSON.stringify({ args: job.args, stdin: job.stdin }) + ')'));
  for (const name of ['args', 'stdin']) {
    const value = context.getProp(input, name);
    context.setProp(context.global, name, value);
    value.dispose();
  }
  input.dispose();
}

function describe(error) {
  if (typeof error !== 'object' || error === null) return 'Uncaught ' + String(error);
  return String(error.name) + ': ' + String(error.message) + '\\n' + String(error.stack ?? '');
}

function settle(runtime, context, value) {
  for (;;) {
    const jobs = runtime.executePendingJobs(1000);
    if (jobs.error) return context.dump(jobs.error);
    if (jobs.value === 0) break;
  }
  const state = context.getPromiseState(value);
  return state.type === 'rejected' ? context.dump(state.error) : null;
}

async function main() {
  const quickjs = await getQuickJS();
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(job.memory_bytes);
  runtime.setMaxStackSize(512 * 1024);
  const deadline = Date.now() + job.wall_ms;
  runtime.setInterruptHandler(() => Date.now() > deadline);
  const context = runtime.newContext();
  setGlobals(context);
  const result = context.evalCode(job.source, job.file, { type: job.esm ? 'module' : 'global' });
  const error = result.error ? context.dump(result.error) : settle(runtime, context, result.value);
  if (error !== null) send('stderr', describe(error) + '\\n');
  const out_of_memory = error !== null && /out of memory/.test(String(error.message));
  parentPort.postMessage({ exit_code: error === null ? 0 : 1, out_of_memory, late: Date.now() > deadline });
}

main().catch((error) => parentPort.postMessage({ defect: String(error && error.stack || error) }));
`;
