import { v7 } from 'uuid';
import { hashOf, insertRun } from '../../test/support/runs.ts';
import {
  caller,
  codeOf,
  definitionOf,
  PROJECT_ID,
  testStore,
  type TestStore,
} from '../../test/support/store.ts';
import type { EnvironmentSetup } from '../contract/deployment.ts';
import { environmentRepository, type EnvironmentRepository } from './environments.ts';
import { releaseRepository, type ReleaseRepository } from './releases.ts';

const RIVALS = 20;

let opened: TestStore;
let environments: EnvironmentRepository;
let releases: ReleaseRepository;
let version: { artifact_id: string; version_hash: string };

beforeAll(async () => {
  opened = await testStore({ max_connections: RIVALS });
  environments = environmentRepository(opened.database.db);
  releases = releaseRepository(opened.database.db);
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  version = { artifact_id: head.id, version_hash: head.version_hash };
});
afterAll(() => opened.close());

const sql = async (text: string, values: unknown[] = []) =>
  (await opened.database.pool.query<Record<string, unknown>>(text, values)).rows;

const setup = (name: string, more: Partial<EnvironmentSetup> = {}): EnvironmentSetup => ({
  name,
  description: '',
  deployer: 'release_directory',
  settings: {},
  variables: {},
  secrets: {},
  checks: [],
  watch_seconds: 0,
  staging: null,
  approval: null,
  binds_tags: false,
  ...more,
});

async function environment(): Promise<string> {
  const name = `e-${v7()}`;
  const by = { project_id: PROJECT_ID, id: v7(), actor: 'test' };
  return (await environments.inTurn(PROJECT_ID, (all) => all.insert(setup(name), by))).id;
}

const newRun = () => insertRun(opened.database.db, version);
const endRun = (id: string) =>
  sql("UPDATE run SET state = 'completed', ended_at = now() WHERE id = $1", [id]);
const at = (environment_id: string, subject = '') => ({ environment_id, subject });

const release = (environment_id: string, run_id: string) => ({
  ...at(environment_id),
  id: v7(),
  kind: 'application' as const,
  digest: hashOf('x'),
  artifact_ref: null,
  source: { commit: 'abc' },
  run_id,
  created_by: 'test',
});

/** Brings one release live with a run of its own, which then ends. */
async function deployed(environment_id: string) {
  const run_id = await newRun();
  await releases.lock(run_id, [at(environment_id)]);
  const begun = await releases.begin(release(environment_id, run_id));
  const live = await releases.goLive(begun.id);
  await releases.unlock(run_id);
  await endRun(run_id);
  return live;
}

const stateOf = async (id: string) => (await releases.find(PROJECT_ID, id))?.state;
const currentOf = async (environment_id: string) => (await releases.current(environment_id, ''))?.id;

describe('whose turn it is', () => {
  it('is the same run’s however often it asks, and nobody else’s until it gives it back', async () => {
    const [place, one, other] = [at(await environment()), await newRun(), await newRun()];
    expect(await releases.lock(one, [place])).toEqual({ held_by: null });
    const [before] = await sql('SELECT since FROM deployment_target WHERE environment_id = $1', [
      place.environment_id,
    ]);
    expect(await releases.lock(one, [place])).toEqual({ held_by: null });
    expect(
      await sql('SELECT since FROM deployment_target WHERE environment_id = $1', [place.environment_id]),
    ).toEqual([before]);
    expect(await releases.lock(other, [place])).toEqual({ held_by: { ...place, run_id: one } });
    await releases.unlock(one);
    expect(await releases.lock(other, [place])).toEqual({ held_by: null });
  });

  it('goes over all places or none of them', async () => {
    const [staging, production] = [at(await environment()), at(await environment())];
    const [one, other, third] = [await newRun(), await newRun(), await newRun()];
    await releases.lock(one, [production]);
    expect(await releases.lock(other, [staging, production])).toMatchObject({ held_by: { run_id: one } });
    expect(await releases.lock(third, [staging])).toEqual({ held_by: null });
  });

  it('is told apart by subject', async () => {
    const id = await environment();
    const [one, other] = [await newRun(), await newRun()];
    await releases.lock(one, [at(id, 'a')]);
    expect(await releases.lock(other, [at(id, 'b')])).toEqual({ held_by: null });
  });

  it.each([
    ['has ended', (id: string) => endRun(id)],
    [
      'is gone',
      async (id: string) => {
        await sql('DELETE FROM run_event WHERE run_id = $1', [id]);
        await sql('DELETE FROM run_state_transition WHERE run_id = $1', [id]);
        await sql('DELETE FROM outbox WHERE run_id = $1', [id]);
        await sql('DELETE FROM run WHERE id = $1', [id]);
      },
    ],
  ])('is free when the run that had it %s', async (_what, leave) => {
    const [place, one, other] = [at(await environment()), await newRun(), await newRun()];
    await releases.lock(one, [place]);
    await leave(one);
    expect(await releases.lock(other, [place])).toEqual({ held_by: null });
  });

  it('cannot be had in an environment that is not there', async () => {
    expect(await codeOf(releases.lock(await newRun(), [at(v7())]))).toBe('not_found');
  });

  it('is one run’s at a time however many want overlapping places at once, and everybody’s in the end', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, environment));
    const runs = await Promise.all(Array.from({ length: RIVALS }, newRun));
    // Each wants two neighbours of a ring, half of them in the other order.
    const wanted = runs.map((_, n) => {
      const pair = [at(ids[n % 4]!), at(ids[(n + 1) % 4]!)];
      return n % 8 < 4 ? pair : pair.reverse();
    });
    const holders = new Map<string, string>();
    let turns = 0;
    await Promise.all(
      runs.map(async (run_id, n) => {
        while ((await releases.lock(run_id, wanted[n]!)).held_by !== null);
        for (const { environment_id } of wanted[n]!) {
          expect(holders.get(environment_id)).toBeUndefined();
          holders.set(environment_id, run_id);
        }
        turns += 1;
        await sql('SELECT pg_sleep(0.001)');
        for (const { environment_id } of wanted[n]!) holders.delete(environment_id);
        await releases.unlock(run_id);
      }),
    );
    expect(turns).toBe(RIVALS);
  });
});

describe('a release', () => {
  it('is begun once for its id, with the next number and what is live before it', async () => {
    const id = await environment();
    const first = await deployed(id);
    const run_id = await newRun();
    await releases.lock(run_id, [at(id)]);
    const wanted = release(id, run_id);
    const begun = await releases.begin(wanted);
    expect(begun).toMatchObject({ ...wanted, state: 'deploying', number: 2, previous_id: first.id });
    expect(await releases.begin(wanted)).toEqual(begun);
    expect(await Promise.all(Array.from({ length: 5 }, () => releases.begin(wanted)))).toEqual(
      Array.from({ length: 5 }, () => begun),
    );
    expect((await releases.begin(release(id, run_id))).number).toBe(3);
    expect(await currentOf(id)).toBe(first.id);
  });

  it('supersedes what was live before it, once', async () => {
    const id = await environment();
    const first = await deployed(id);
    const second = await deployed(id);
    expect(await stateOf(first.id)).toBe('superseded');
    expect(await currentOf(id)).toBe(second.id);
    expect(await releases.goLive(second.id)).toEqual(second);
    expect((await releases.find(PROJECT_ID, first.id))?.ended_at).not.toBeNull();
  });

  it.each([
    ['given back', (run_id: string) => releases.unlock(run_id)],
    ['let end', (run_id: string) => endRun(run_id)],
  ])('of a run whose turn was %s neither begins nor goes live', async (_what, lose) => {
    const [id, run_id] = [await environment(), await newRun()];
    await releases.lock(run_id, [at(id)]);
    const begun = await releases.begin(release(id, run_id));
    await lose(run_id);
    expect(await codeOf(releases.goLive(begun.id))).toBe('state_conflict');
    expect(await codeOf(releases.begin(release(id, run_id)))).toBe('state_conflict');
    const other = await newRun();
    await releases.lock(other, [at(id)]);
    expect(await codeOf(releases.goLive(begun.id))).toBe('state_conflict');
    expect(await currentOf(id)).toBeUndefined();
  });

  it('that is taken back makes the one before live again, once', async () => {
    const id = await environment();
    const [first, second] = [await deployed(id), await deployed(id)];
    const end = { state: 'undone', reason: 'it answered 500' } as const;
    const undone = await releases.takeBack(second.id, end);
    expect(undone).toMatchObject(end);
    expect(await releases.takeBack(second.id, { ...end, state: 'failed', reason: 'other' })).toEqual(undone);
    expect(await releases.find(PROJECT_ID, first.id)).toMatchObject({ state: 'live', ended_at: null });
    expect(await currentOf(id)).toBe(first.id);
    expect(await codeOf(releases.goLive(second.id))).toBe('state_conflict');
  });

  it('that never went live is taken back alone, and the very first one leaves nothing live', async () => {
    const [id, run_id] = [await environment(), await newRun()];
    const end = { state: 'failed', reason: null } as const;
    await releases.lock(run_id, [at(id)]);
    const failed = await releases.begin(release(id, run_id));
    expect(await releases.takeBack(failed.id, end)).toMatchObject({ state: 'failed', live_at: null });
    await releases.unlock(run_id);
    const live = await deployed(id);
    await releases.takeBack(live.id, end);
    expect(await currentOf(id)).toBeUndefined();
  });

  it('that was superseded stays so', async () => {
    const id = await environment();
    const [first, second] = [await deployed(id), await deployed(id)];
    const kept = await releases.takeBack(first.id, { state: 'undone', reason: null });
    expect(kept.state).toBe('superseded');
    expect(await currentOf(id)).toBe(second.id);
  });

  it('that is live is not taken back under the one whose turn it is', async () => {
    const [id, other] = [await environment(), await newRun()];
    const live = await deployed(id);
    await releases.lock(other, [at(id)]);
    const end = { state: 'undone', reason: null } as const;
    expect(await codeOf(releases.takeBack(live.id, end))).toBe('state_conflict');
    await endRun(other);
    expect((await releases.takeBack(live.id, end)).state).toBe('undone');
  });

  it('goes live or is taken back, never both, when both are tried at once', async () => {
    for (let round = 0; round < 10; round++) {
      const [id, run_id] = [await environment(), await newRun()];
      const first = await deployed(id);
      await releases.lock(run_id, [at(id)]);
      const { id: release_id } = await releases.begin(release(id, run_id));
      const end = { state: 'failed', reason: null } as const;
      await Promise.all([codeOf(releases.goLive(release_id)), codeOf(releases.takeBack(release_id, end))]);
      expect(await stateOf(release_id)).toBe('failed');
      expect([await currentOf(id), await stateOf(first.id)]).toEqual([first.id, 'live']);
    }
  });

  it('names its version, which is in a tag’s project', async () => {
    const [id, run_id] = [await environment(), await newRun()];
    const place = at(id, 'w');
    await releases.lock(run_id, [place]);
    const source = { artifact_id: version.artifact_id };
    const begun = await releases.begin({ ...release(id, run_id), ...place, kind: 'workflow', source });
    expect(begun).toMatchObject({ source, subject: 'w', kind: 'workflow' });
    const [row] = await sql('SELECT artifact_id FROM release WHERE id = $1', [begun.id]);
    expect(row).toEqual({ artifact_id: version.artifact_id });
  });

  it('is found in its own project only', async () => {
    const live = await deployed(await environment());
    expect(await releases.find(v7(), live.id)).toBeUndefined();
  });
});

describe('the list of releases', () => {
  it('is read page by page, newest first, of one subject or of all', async () => {
    const [id, run_id] = [await environment(), await newRun()];
    await releases.lock(run_id, [at(id, 'a'), at(id, 'b')]);
    const ids: string[] = [];
    for (const subject of ['a', 'b', 'a', 'a'])
      ids.unshift((await releases.begin({ ...release(id, run_id), subject })).id);
    const page = async (subject: string | undefined, after?: { created_at: Date; id: string }) =>
      releases.list({ environment_id: id, subject }, { after, limit: 2 });
    const first = await page(undefined);
    const second = await page(undefined, first.at(-1));
    expect([...first, ...second].map((one) => one.id)).toEqual(ids);
    expect(await page(undefined, second.at(-1))).toEqual([]);
    expect((await page('b')).map((one) => one.id)).toEqual([ids[2]]);
    expect((await page('a')).map((one) => one.number)).toEqual([3, 2]);
  });
});

describe('what was abandoned', () => {
  const abandoned = async (environment_id: string) =>
    (await releases.abandonedAt([at(environment_id)])).map(({ id }) => id);

  it('is what ended runs left deploying, or live with its place taken', async () => {
    const [one, two] = [await environment(), await environment()];
    const run_id = await newRun();
    await releases.lock(run_id, [at(one), at(two)]);
    const deploying = await releases.begin(release(one, run_id));
    const live = await releases.goLive((await releases.begin(release(two, run_id))).id);
    expect([await abandoned(one), await abandoned(two)]).toEqual([[], []]);
    expect(await releases.abandonedAt([at(one), at(two)])).toEqual([]);
    await endRun(run_id);
    expect([await abandoned(one), await abandoned(two)]).toEqual([[deploying.id], [live.id]]);
    await releases.unlock(run_id);
    expect([await abandoned(one), await abandoned(two)]).toEqual([[deploying.id], []]);
    await releases.takeBack(deploying.id, { state: 'failed', reason: 'abandoned' });
    expect(await abandoned(one)).toEqual([]);
  });
});

describe('what a run brought', () => {
  it('is told in its order, and has what was seen noted, and nothing else has', async () => {
    const [one, two] = [await environment(), await environment()];
    const [run_id, other] = [await newRun(), await deployed(two)];
    await releases.lock(run_id, [at(one), at(two)]);
    const first = await releases.begin(release(one, run_id));
    await opened.database.pool.query('SELECT pg_sleep(0.002)');
    const second = await releases.begin(release(two, run_id));
    expect((await releases.ofRun(run_id)).map(({ id }) => id)).toEqual([first.id, second.id]);
    const { cas_id } = await opened.store.blobs.put(PROJECT_ID, Buffer.from('seen'), {
      media_type: 'text/plain',
    });
    await releases.noteEvidence(run_id, cas_id);
    for (const noted of await releases.ofRun(run_id)) expect(noted.evidence_ref).toBe(cas_id);
    expect((await releases.find(PROJECT_ID, other.id))?.evidence_ref).toBeNull();
  });
});

describe('an environment', () => {
  it('that is in use tells what is live there and who deploys there, and goes with its releases', async () => {
    const [id, run_id] = [await environment(), await newRun()];
    const live = await deployed(id);
    await releases.lock(run_id, [at(id)]);
    const useOf = () => environments.inTurn(PROJECT_ID, (all) => all.useOf(id));
    expect(await useOf()).toEqual({ live: { subject: '', release_id: live.id }, run_id });
    await releases.unlock(run_id);
    expect((await useOf()).run_id).toBeNull();
    await releases.takeBack(live.id, { state: 'undone', reason: null });
    expect(await useOf()).toEqual({ live: null, run_id: null });
    await environments.inTurn(PROJECT_ID, (all) => all.delete(id));
    expect(await releases.find(PROJECT_ID, live.id)).toBeUndefined();
  });

  it('that goes while places of it are taken ends in one of the two, without anybody stuck', async () => {
    for (let round = 0; round < 10; round++) {
      const [id, run_id] = [await environment(), await newRun()];
      const remove = environments.inTurn(PROJECT_ID, async (all) => {
        if ((await all.useOf(id)).run_id !== null) return 'in use';
        await all.delete(id);
        return 'gone';
      });
      const [removed, locked] = await Promise.all([remove, codeOf(releases.lock(run_id, [at(id)]))]);
      expect([removed, locked]).toEqual(removed === 'gone' ? ['gone', 'not_found'] : ['in use', 'done']);
    }
  });
});
