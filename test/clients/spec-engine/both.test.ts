/** One suite for what asks over the wire and for what works within the process: they may not differ. */
import { inProcessEngine } from '../../../src/clients/spec-engine/in-process.ts';
import { AppError } from '../../../src/contract/errors.ts';
import type { EngineFrame, Refiner, SpecEngine } from '../../../src/contract/spec-engine.ts';
import { rulesRefiner } from '../../../src/spec-engine/refine.ts';
import { eventually } from '../../support/eventually.ts';
import { hasty, heldRefiner, requestOf, RESULT, served, signal, TOOLS } from './engines.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const KINDS: [string, (refiner: Refiner) => Promise<SpecEngine>][] = [
  [
    'within the process',
    (refiner) => Promise.resolve(inProcessEngine({ refiner, work_ms: 60_000, onError: () => undefined })),
  ],
  [
    'over the wire',
    async (refiner) => {
      const { server, url } = await served({ refiner, token: 'a-token' });
      opened.push(() => server.stop());
      return hasty(url, { token: 'a-token', attempts: 1 });
    },
  ],
];

describe.each(KINDS)('a Spec Engine %s', (_name, make) => {
  const open = async (refiner: Refiner) => {
    const engine = await make(refiner);
    opened.push(() => engine.close());
    return engine;
  };

  test('answers a change, and tells of it frame by frame', async () => {
    const engine = await open(rulesRefiner(TOOLS));
    const frames: EngineFrame[] = [];
    const result = await engine.refine(requestOf('one'), signal, (frame) => frames.push(frame));
    expect(result).toMatchObject({ understood: true, questions: [], files: {} });
    expect(TOOLS.validate(TOOLS.applyPatch(requestOf('one').context.definition, result.patch))).toEqual([]);
    expect(frames.map(({ type }) => type)).toEqual(['status', 'progress', 'patch', 'message', 'end']);
    expect(frames.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(frames[2]!.data).toEqual({ patch: result.patch, files: {} });
  });

  test('works once for the same request, however often and at whatever time it comes', async () => {
    const { refiner, waiting } = heldRefiner();
    const engine = await open(refiner);
    const both = [engine.refine(requestOf('one'), signal), engine.refine(requestOf('one'), signal)];
    await eventually(() => waiting.length > 0 || undefined);
    waiting[0]!.resolve(RESULT);
    expect(await Promise.all(both)).toEqual([RESULT, RESULT]);
    expect(await engine.refine(requestOf('one'), signal)).toEqual(RESULT);
    expect(waiting).toHaveLength(1);
  });

  test('refuses another request for the same thread, until it was told to forget it', async () => {
    const engine = await open(rulesRefiner(TOOLS));
    await engine.refine(requestOf('one'), signal);
    const other = requestOf('one', 'remove audit');
    await expect(engine.refine(other, signal)).rejects.toMatchObject({
      code: 'refused',
      details: { status: 409 },
    });
    await engine.forget('one');
    await engine.forget('one');
    expect((await engine.refine(other, signal)).patch).toContainEqual({ op: 'remove', path: '/nodes/audit' });
  });

  test('says why it failed, and shows nothing of a defect', async () => {
    const { refiner, waiting } = heldRefiner();
    const engine = await open(refiner);
    const told = engine.refine(requestOf('one'), signal);
    const defect = engine.refine(requestOf('two'), signal);
    await eventually(() => waiting.length > 1 || undefined);
    waiting[0]!.reject(new AppError('overloaded', { detail: 'The model is busy.' }));
    waiting[1]!.reject(new Error('secret inside'));
    const failures = (await Promise.allSettled([told, defect])) as PromiseRejectedResult[];
    expect(failures.map(({ reason }) => reason as unknown)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          code: 'failed',
          message: 'The model is busy.',
          details: { engine_code: 'overloaded' },
        }),
        expect.objectContaining({ code: 'failed', message: 'Something went wrong in the Spec Engine.' }),
      ]) as unknown,
    );
  });

  test('lets go of who gives up, and goes on for who comes later', async () => {
    const { refiner, waiting } = heldRefiner();
    const engine = await open(refiner);
    const impatient = new AbortController();
    const given_up = engine.refine(requestOf('one'), impatient.signal);
    await eventually(() => waiting.length > 0 || undefined);
    impatient.abort(new Error('enough'));
    await expect(given_up).rejects.toThrow('enough');
    const patient = engine.refine(requestOf('one'), signal);
    waiting[0]!.resolve(RESULT);
    expect(await patient).toEqual(RESULT);
    expect(waiting).toHaveLength(1);
  });

  test('is well, and says what it works with', async () => {
    expect(await (await open(rulesRefiner(TOOLS))).health()).toEqual({ status: 'ok', engine: 'rules' });
  });
});
