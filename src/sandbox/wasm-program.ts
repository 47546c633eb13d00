/**
 * The thread that runs one program in QuickJS. Kept as text because a thread's file would have to exist in
 * compiled form, which it does not when the sources are run directly. It sees `workerData`: the path of
 * quickjs-emscripten, the program, and its limits; it answers one message per output and one at the end.
 */
export const WASM_THREAD = `
const { parentPort, workerData: job } = require('node:worker_threads');
const { newQuickJSWASMModule, newVariant, RELEASE_SYNC } = require(job.quickjs);

const PAGE_BYTES = 64 * 1024;
/** What the module itself asks for before it runs anything. */
const FIRST_PAGES = 256;

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

/** The value that was thrown, as \`{ error }\`: \`throw null\` is a failure too. Undefined for a good end. */
function failure(runtime, context, result) {
  if (result.error) return { error: context.dump(result.error) };
  for (;;) {
    const jobs = runtime.executePendingJobs(1000);
    if (jobs.error) return { error: context.dump(jobs.error) };
    if (jobs.value === 0) break;
  }
  const state = context.getPromiseState(result.value);
  return state.type === 'rejected' ? { error: context.dump(state.error) } : undefined;
}

/** A memory that cannot outgrow the limit: QuickJS's own count of it leaves out the sizes of blocks. */
function boundedMemory(bytes) {
  const maximum = Math.max(FIRST_PAGES, Math.floor(bytes / PAGE_BYTES));
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum });
  let refused = false;
  memory.grow = (pages) => {
    refused = true;
    const before = WebAssembly.Memory.prototype.grow.call(memory, pages);
    refused = false;
    return before;
  };
  return { memory, isFull: () => refused };
}

const { memory: wasmMemory, isFull } = boundedMemory(job.memory_bytes);

async function main() {
  const quickjs = await newQuickJSWASMModule(newVariant(RELEASE_SYNC, { wasmMemory }));
  const runtime = quickjs.newRuntime();
  runtime.setMaxStackSize(512 * 1024);
  const deadline = Date.now() + job.wall_ms;
  let late = false;
  runtime.setInterruptHandler(() => (late = Date.now() > deadline));
  const context = runtime.newContext();
  setGlobals(context);
  const result = context.evalCode(job.source, job.file, { type: job.esm ? 'module' : 'global' });
  const failed = failure(runtime, context, result);
  if (failed) send('stderr', describe(failed.error) + '\\n');
  return { exit_code: failed ? 1 : 0, out_of_memory: failed !== undefined && isFull(), late };
}

// QuickJS without memory may break down while it makes the error: that is no defect of this thread.
main()
  .catch((error) => (isFull() ? { exit_code: 1, out_of_memory: true } : { defect: String((error && error.stack) || error) }))
  .then((end) => parentPort.postMessage({ ...end, peak_memory_bytes: wasmMemory.buffer.byteLength }));
`;
