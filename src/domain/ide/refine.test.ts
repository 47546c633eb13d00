import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../../test/support/store.ts';
import type { EngineFrame, EngineResult, RefineRequest, SpecEngine } from '../../contract/spec-engine.ts';
import { newId } from '../../ids.ts';
import { draftRepository } from '../../persistence/drafts.ts';
import { proposalFrameRepository } from '../../persistence/proposal-frames.ts';
import { proposalUpkeep } from '../../persistence/proposal-upkeep.ts';
import { proposalRepository } from '../../persistence/proposals.ts';
import { refineService } from './refine.ts';

const RESULT: EngineResult = {
  patch: [{ op: 'add', path: '/description', value: 'x' }],
  files: {},
  message: 'Done.',
  questions: [],
  understood: true,
};

let opened: TestStore;
let draft_id: string;
let base: { base_id: string; base_hash: string };

beforeAll(async () => {
  opened = await testStore();
  const saved = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  base = { base_id: saved.head.id, base_hash: saved.head.version_hash };
});
beforeEach(async () => {
  draft_id = newId();
  const draft = { id: draft_id, project_id: PROJECT_ID, workflow: draft_id, tag: 'd', created_by: 'x' };
  await draftRepository(opened.database.db).insert({ ...draft, ...base });
});
afterAll(() => opened.close());

async function proposed(instructions: string): Promise<string> {
  const id = newId();
  const asked = { instructions, context: null, created_by: 'x', thread_id: newId(), ...base };
  await proposalRepository(opened.database.db).insert({ id, project_id: PROJECT_ID, draft_id, ...asked });
  return id;
}

type Work = (request: RefineRequest, onEvent: (frame: EngineFrame) => void) => Promise<EngineResult>;

/** A worker with an engine that does this. */
function worker(refine: Work) {
  const { db } = opened.database;
  const engine: SpecEngine = {
    refine: (request, signal, onEvent = () => undefined) =>
      Promise.race([
        refine(request, onEvent),
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        }),
      ]),
    forget: () => Promise.resolve(),
    health: () => Promise.resolve({ status: 'ok', engine: 'rules' }),
    close: () => Promise.resolve(),
  };
  const { definitions, blobs } = opened.store;
  const [frames, upkeep] = [proposalFrameRepository(db), proposalUpkeep(db)];
  return refineService({ db, engine, frames, upkeep, definitions, blobs });
}
const frame = (seq: number, message: string): EngineFrame => ({
  seq,
  type: 'progress',
  time: new Date().toISOString(),
  data: { message },
});
const frames = async (id: string) =>
  (await proposalFrameRepository(opened.database.db).after(id, 0, 100)).map(({ seq, attempt, type, data }) =>
    [seq, attempt, type, (data.message ?? data.status) as string].join(' '),
  );
const status = async (id: string) =>
  (await proposalRepository(opened.database.db).find(PROJECT_ID, id))!.status;
const input = (proposal_id: string) => ({ project_id: PROJECT_ID, proposal_id });
const { signal } = new AbortController();

it('keeps nothing of a worker that was thought dead once another has begun, neither frames nor a result', async () => {
  const id = await proposed('x');
  let goOn = () => {};
  let begun = () => {};
  const has_begun = new Promise<void>((resolve) => (begun = resolve));
  const woken = new Promise<void>((resolve) => (goOn = resolve));
  const frozen = worker(async (_request, onEvent) => {
    onEvent(frame(1, 'frozen'));
    begun();
    await woken;
    onEvent(frame(2, 'thawed'));
    return { ...RESULT, message: 'From the dead.' };
  }).refine(input(id), signal);
  await has_begun;
  const next = worker(async (_request, onEvent) => {
    onEvent(frame(1, 'next'));
    goOn();
    expect(await frozen).toEqual({ status: 'dropped' });
    return RESULT;
  });
  expect(await next.refine(input(id), signal)).toEqual({ status: 'completed' });
  expect(await frames(id)).toEqual([
    '1 1 progress frozen',
    '2 2 status restarted',
    '3 2 progress next',
    '4 2 end completed',
  ]);
  expect(await proposalRepository(opened.database.db).find(PROJECT_ID, id)).toMatchObject({
    message: 'Done.',
  });
});

it('tells a new beginning of the engine apart, and says only once that nothing was heard since', async () => {
  const id = await proposed('x');
  const away = worker(() => Promise.reject(new Error('away')));
  const broken = worker(async (_request, onEvent) => {
    onEvent(frame(1, 'a'));
    onEvent(frame(2, 'b'));
    // It has forgotten the thread, and was asked again.
    onEvent(frame(1, 'c'));
    await Promise.resolve();
    throw new Error('broken');
  });
  await expect(broken.refine(input(id), signal)).rejects.toThrow('broken');
  await expect(away.refine(input(id), signal)).rejects.toThrow('away');
  await expect(away.refine(input(id), signal)).rejects.toThrow('away');
  expect(await frames(id)).toEqual([
    '1 1 progress a',
    '2 1 progress b',
    '3 2 status restarted',
    '4 2 progress c',
    '5 3 status restarted',
  ]);
});

it('asks the same again after a worker was lost, whatever was proposed for the draft meanwhile', async () => {
  await worker(() => Promise.resolve({ ...RESULT, message: 'Before.' })).refine(
    input(await proposed('before')),
    signal,
  );
  const id = await proposed('this');
  const requests: RefineRequest[] = [];
  const lost = worker((request) => {
    requests.push(request);
    return Promise.reject(new Error('lost'));
  });
  await expect(lost.refine(input(id), signal)).rejects.toThrow('lost');
  await worker(() => Promise.resolve(RESULT)).refine(input(await proposed('later')), signal);
  await expect(lost.refine(input(id), signal)).rejects.toThrow('lost');
  expect(requests[1]).toEqual(requests[0]);
  expect(requests[0]!.context.messages).toEqual([
    { role: 'user', content: 'before' },
    { role: 'assistant', content: 'Before.' },
  ]);
  expect(await status(id)).toBe('processing');
});
