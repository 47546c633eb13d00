import { AppError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { ExpressionError } from '../language/expression-error.ts';
import type { NodeContext, NodeOutcome } from './nodes/node.ts';
import { configuredSecrets } from './secrets.ts';
import { withSecrets } from './secrets-step.ts';

const VALUE = 'tell-nobody-0815';
const source = configuredSecrets([
  { name: 'A', secret: { reveal: () => VALUE } },
  { name: 'LARGE', secret: { reveal: () => 'x'.repeat(129 * 1024) } },
]);

/** A context that remembers what it was told. */
function contextOf() {
  const logged: string[] = [];
  const kept: string[] = [];
  const context = {
    project_id: 'p',
    log: (stream: string, text: string) => Promise.resolve(void logged.push(`${stream}: ${text}`)),
    keep: (bytes: Uint8Array) => Promise.resolve(String(kept.push(Buffer.from(bytes).toString()))),
  } as unknown as NodeContext;
  return { context, logged, kept };
}

const succeeded = (output: Json): NodeOutcome => ({ state: 'succeeded', output, error: null });

interface Ended {
  outcome?: NodeOutcome;
  error?: Error;
}

async function step(work: (context: NodeContext, secret: string) => Promise<NodeOutcome>) {
  const { context, logged, kept } = contextOf();
  const ended: Ended = await withSecrets(source, ['A'], context, ({ A }, masked) =>
    work(masked, A as string),
  ).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error: error as Error }),
  );
  return { ...ended, logged, kept };
}

it('looks nothing up for a step without secrets', async () => {
  const nothing = { find: () => Promise.reject(new Error()), findAll: () => Promise.reject(new Error()) };
  const { context } = contextOf();
  expect(await withSecrets(nothing, [], context, () => Promise.resolve(succeeded(VALUE)))).toEqual(
    succeeded(VALUE),
  );
});

it.each<[string[], string, string]>([
  [['A', 'B', 'C'], 'secret_not_found', 'The project has no secret B, C.'],
  [['LARGE'], 'config_invalid', 'The secrets of a step have at most 128 KiB together.'],
])('fails the step that reads %j', async (names, code, message) => {
  const { context } = contextOf();
  const work = () => Promise.reject(new Error('not carried out'));
  expect(await withSecrets(source, names, context, work)).toEqual({
    state: 'failed',
    output: null,
    error: { code, message },
  });
});

it('hides values in output, error, log and blobs', async () => {
  const { outcome, logged, kept } = await step(async (context, secret) => {
    await context.log('stdout', `a ${secret.slice(0, 5)}`);
    await context.log('stderr', 'between');
    await context.log('stdout', `${secret.slice(5)} z te`);
    await context.keep(Buffer.from(`[${secret}]`), 'text/plain');
    return { state: 'failed', output: { [secret]: [secret] }, error: { code: 'x', message: `no ${secret}` } };
  });
  expect(outcome).toEqual({
    state: 'failed',
    output: { '***': ['***'] },
    error: { code: 'x', message: 'no ***' },
  });
  expect(logged).toEqual(['stdout: a ', 'stderr: between', 'stdout: *** z ', 'stdout: te']);
  expect(kept).toEqual([`[${'*'.repeat(VALUE.length)}]`]);
});

it('hides what is left of a value where output was left out', async () => {
  const cut = `x ${VALUE.slice(0, 9)}\n[... 70000 bytes left out ...]\n${VALUE.slice(5)} y`;
  const { outcome, logged } = await step(async (context) => {
    await context.log('stdout', `x ${VALUE.slice(0, 9)}`);
    await context.log('stdout', `[... 70000 bytes not shown ...]\n${VALUE.slice(5)} y`);
    return succeeded({ truncated: true, stdout: cut });
  });
  expect(outcome!.output).toEqual({
    truncated: true,
    stdout: 'x ***\n[... 70000 bytes left out ...]\n*** y',
  });
  expect(logged).toEqual(['stdout: x ', 'stdout: ***[... 70000 bytes not shown ...]\n*** y']);
});

describe('what a step throws', () => {
  it.each<[string, () => Error]>([
    ['message', () => new Error(`no ${VALUE}`)],
    ['cause', () => new TypeError('no', { cause: new Error(VALUE) })],
    ['members', () => Object.assign(new Error('no'), { input: { deep: VALUE } })],
    ['detail', () => new AppError('validation_failed', { detail: `no ${VALUE}` })],
    ['problems', () => new AppError('internal', { errors: [{ path: '/', message: VALUE }] })],
    ['source', () => new ExpressionError(VALUE, `no ${VALUE}`)],
  ])('has none in its %s', async (_where, thrown) => {
    const { error } = await step(() => Promise.reject(thrown()));
    const { message, stack, cause } = error!;
    const seen = JSON.stringify([message, stack, String(cause), { ...error, cause: undefined }]);
    expect(seen).not.toContain(VALUE);
    expect(message).toMatch(/^(no( \*\*\*)?|Something went wrong on our side\.)$/);
    expect([error!.name, (error as AppError).code]).toEqual([thrown().name, (thrown() as AppError).code]);
  });

  it('is thrown as it is when it tells nothing', async () => {
    const thrown = new AppError('database_unavailable');
    expect((await step(() => Promise.reject(thrown))).error).toBe(thrown);
  });
});
