import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { newId } from '../ids.ts';
import { openDatabase, type Database } from '../persistence/db.ts';
import { projectRepository } from '../persistence/projects.ts';
import { DEFAULT_PROJECT_ID, projectService } from './projects.ts';

let test_db: TestDatabase;
let database: Database;
const statements: string[] = [];
const learnt = new Map<string, unknown>();
const OTHER = '00000000-0000-7000-8000-000000000002';

beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({
    url: test_db.url,
    max_connections: 2,
    onStatement: (sql) => statements.push(sql),
  });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    OTHER,
  ]);
});
afterAll(async () => {
  await database.close();
  await test_db.drop();
});
beforeEach(() => {
  statements.length = 0;
});

const serviceAt = (now_ms?: () => number) =>
  projectService({
    projects: projectRepository(database.db),
    settings: { learn: (id, settings) => void learnt.set(id, settings) },
    ids: newId,
    onChange: () => undefined,
    now_ms,
    known_for_ms: 1_000,
  });

describe('the projects of calls', () => {
  it('have the default one among them, without asking', async () => {
    const projects = serviceAt();
    expect(projects.statusOf(DEFAULT_PROJECT_ID)).toBe('active');
    expect(statements).toEqual([]);
    expect(await projects.get(DEFAULT_PROJECT_ID)).toMatchObject({ name: 'default', status: 'active' });
  });

  it('are asked for once, and again when the answer is old', async () => {
    let now = 0;
    const projects = serviceAt(() => now);
    expect(await projects.statusOf(OTHER)).toBe('active');
    expect(projects.statusOf(OTHER)).toBe('active');
    expect(statements).toHaveLength(1);
    now = 1_001;
    expect(await projects.statusOf(OTHER)).toBe('active');
    expect(statements).toHaveLength(2);
    expect(learnt.get(OTHER)).toEqual({});
  });

  it('are known as they are at once where they were changed', async () => {
    const projects = serviceAt(() => 0);
    expect(await projects.statusOf(OTHER)).toBe('active');
    await projects.update(OTHER, { status: 'archived' });
    expect(await projects.statusOf(OTHER)).toBe('archived');
    await projects.update(OTHER, { status: 'active' });
    expect(await projects.statusOf(OTHER)).toBe('active');
  });

  it('are not remembered for not being there', async () => {
    const projects = serviceAt();
    const unknown = '00000000-0000-7000-8000-000000000003';
    expect([await projects.statusOf(unknown), await projects.statusOf(unknown)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(statements).toHaveLength(2);
  });
});
