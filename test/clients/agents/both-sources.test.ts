import fc from 'fast-check';
import type { Agent, AgentPlace, RemoteAgentSource } from '../../../src/contract/agent.ts';
import { AppError } from '../../../src/contract/errors.ts';
import { ManagerFailure } from '../../../src/clients/agents/failure.ts';
import { agentView } from '../../../src/clients/agents/view.ts';
import { agentService, type AgentPosition } from '../../../src/domain/agents.ts';
import { selectAgent } from '../../../src/domain/builtins/code-execution/select.ts';
import { agentRepository, type AgentRepository } from '../../../src/persistence/agents.ts';
import { openDatabase, type Database } from '../../../src/persistence/db.ts';
import { onServer, testDatabase, type TestDatabase } from '../../support/database.ts';
import { wireAgent } from './follow.ts';

let test_database: TestDatabase;
let database: Database;
let own: AgentRepository;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 5 });
  own = agentRepository(database.db, 60);
});
afterAll(async () => {
  await database.close();
  await test_database.drop();
});

const uuid = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const introduce = (id: string) =>
  own.introduce({
    id,
    type: 'code',
    name: `own ${id}`,
    task_queue: `own-${id}`,
    capabilities: { languages: [{ language: 'bash' }], isolation: null, cores: 1, memory_bytes: 1 },
    labels: {},
    slots: 1,
    version: '1',
  });

/** A manager as of now, with these agents. */
function managerWith(ids: readonly string[], more: Partial<RemoteAgentSource> = {}): RemoteAgentSource {
  const view = agentView({
    max_age_ms: 1_000_000,
    now: () => 0,
    shared_queues: new Set(),
    onMalformed: () => undefined,
  });
  view.replace(
    ids.map((id) => wireAgent(id)),
    0,
  );
  return {
    isAvailable: () => true,
    list: (limit, after?: AgentPlace) => Promise.resolve(view.list(limit, after)),
    find: (id) => Promise.resolve(view.find(id)),
    alive: () => Promise.resolve(view.alive()),
    requestRestart: (id) => Promise.resolve(view.find(id)),
    ...more,
  };
}

const UNKNOWN = uuid(999);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? [error.code, error.family] : error),
  );

describe('with agents of both sources', () => {
  const OWN = [uuid(1), uuid(2), uuid(3), uuid(4), uuid(5)];
  beforeAll(async () => {
    for (const id of OWN) await introduce(id);
    // Positions of a list have milliseconds.
    await onServer(
      test_database.url,
      `UPDATE agent SET started_at = date_trunc('second', now()) - make_interval(secs => ${OWN.length + 1} - right(id::text, 1)::int)`,
    );
  });

  it('lists each once, our own first, whatever the size of the pages and whichever ids both have', async () => {
    const any = fc.uniqueArray(fc.constantFrom(...OWN, uuid(8), uuid(9), 'a', 'b', '7'), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(any, fc.integer({ min: 1, max: 8 }), async (ids, size) => {
        const { list } = agentService({ agents: own, manager: managerWith(ids) });
        const seen: string[] = [];
        for (let after: AgentPosition | undefined; ;) {
          const page = await list(size, after);
          seen.push(...page.map(({ source, id }) => `${source} ${id}`));
          after = page.at(-1);
          if (page.length < size) break;
        }
        const others = ids.filter((id) => !OWN.includes(id)).sort();
        expect(seen).toEqual([
          ...[...OWN].reverse().map((id) => `own ${id}`),
          ...others.map((id) => `agent_manager ${id}`),
        ]);
      }),
    );
  });

  it('has our own under an id that both have', async () => {
    const asked: string[] = [];
    const requestRestart = (id: string) => Promise.resolve(void asked.push(id));
    const service = agentService({ agents: own, manager: managerWith(OWN, { requestRestart }) });
    expect(await service.get(OWN[0]!)).toMatchObject({ source: 'own', type: 'code' });
    expect(await service.restart(OWN[0]!, 'me')).toMatchObject({ source: 'own', type: 'code' });
    expect(asked).toEqual([]);
  });

  it('does not choose by the manager one of ours that takes no work', async () => {
    const [draining = '', both = ''] = OWN;
    await own.beat(draining, 0, 'draining');
    const choose = async (manager: RemoteAgentSource, id: string) => {
      const select = selectAgent({ agents: own, manager, random: () => 0, patience_ms: 0 });
      const context = { signal: new AbortController().signal } as never;
      const { output } = await select({ language: 'bash', wanted: { id } }, context);
      return (output as { task_queue: string } | null)?.task_queue;
    };
    const manager = managerWith([draining, both, 'far']);
    expect(await choose(manager, draining)).toBeUndefined();
    expect(await choose(manager, OWN[1]!)).toBe(`own-${OWN[1]!}`);
    expect(await choose(manager, 'far')).toBe('queue-far');
  });
});

describe('an agent that is not ours', () => {
  it.each([
    ['unknown to a manager that is there', managerWith([]), 'nobody', ['not_found', 'not_found']],
    ['of a form that ours have, and unknown', managerWith([]), UNKNOWN, ['not_found', 'not_found']],
    ['asked for without a manager', undefined, 'nobody', ['not_found', 'not_found']],
    [
      'unknown to a manager that is away',
      managerWith([], { isAvailable: () => false }),
      UNKNOWN,
      ['agent_manager_unavailable', 'unavailable'],
    ],
  ])('%s', async (_what, manager, id, wanted) => {
    const service = agentService({ agents: own, manager: manager && withoutRestart(manager) });
    expect([await failureOf(service.get(id)), await failureOf(service.restart(id, 'me'))]).toEqual([
      wanted,
      wanted,
    ]);
  });

  it('is asked to restart in the name of who wants it', async () => {
    const asked: string[][] = [];
    const manager = managerWith(['far'], {
      requestRestart: (...call) => Promise.resolve(void asked.push(call)),
    });
    const conflict = failureOf(agentService({ agents: own, manager }).restart('far', 'token:me'));
    expect([await conflict, asked]).toEqual([['state_conflict', 'conflict'], [['far', 'token:me']]]);
  });

  it.each([
    [
      'the manager cannot be asked',
      new ManagerFailure('unauthorized', 'no'),
      ['agent_manager_unavailable', 'unavailable'],
    ],
    ['something else is wrong', new Error('a defect'), new Error('a defect')],
  ])('is not asked when %s', async (_what, error, wanted) => {
    const manager = managerWith(['far'], { requestRestart: () => Promise.reject(error) });
    expect(await failureOf(agentService({ agents: own, manager }).restart('far', 'me'))).toEqual(wanted);
  });
});

const withoutRestart = (manager: RemoteAgentSource): RemoteAgentSource => ({
  ...manager,
  requestRestart: () => Promise.resolve<Agent | undefined>(undefined),
});
