import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openDatabase, type Database } from '../persistence/db.ts';
import { projectRepository } from '../persistence/projects.ts';
import { DEFAULT_PROJECT_ID, projectService } from './projects.ts';

let test_db: TestDatabase;
let database: Database;
const statements: string[] = [];
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

describe('projects', () => {
  it('has the default project from the first migration on', async () => {
    const projects = projectService({ projects: projectRepository(database.db) });
    expect(await projects.find(DEFAULT_PROJECT_ID)).toMatchObject({ name: 'default', status: 'active' });
    expect((await projects.list(1)).map((row) => row.id)).toEqual([DEFAULT_PROJECT_ID]);
  });

  it('knows the default project without asking', () => {
    const projects = projectService({ projects: projectRepository(database.db) });
    expect(projects.exists(DEFAULT_PROJECT_ID)).toBe(true);
    expect(statements).toEqual([]);
  });

  it('asks once for a project, and again when the answer is old', async () => {
    let now = 0;
    const projects = projectService({
      projects: projectRepository(database.db),
      now_ms: () => now,
      known_for_ms: 1_000,
    });
    expect(await projects.exists(OTHER)).toBe(true);
    expect(projects.exists(OTHER)).toBe(true);
    expect(statements).toHaveLength(1);
    now = 1_001;
    expect(await projects.exists(OTHER)).toBe(true);
    expect(statements).toHaveLength(2);
  });

  it('does not remember that there is none', async () => {
    const projects = projectService({ projects: projectRepository(database.db) });
    const unknown = '00000000-0000-7000-8000-000000000003';
    expect([await projects.exists(unknown), await projects.exists(unknown)]).toEqual([false, false]);
    expect(statements).toHaveLength(2);
  });
});
