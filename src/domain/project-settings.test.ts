import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { NO_SETTINGS } from '../contract/project-settings.ts';
import { openDatabase, type Database } from '../persistence/db.ts';
import { projectSettingsRepository } from '../persistence/project-settings.ts';
import { projectSettings } from './project-settings.ts';
import { DEFAULT_PROJECT_ID } from './projects.ts';

let test_db: TestDatabase;
let database: Database;
const statements: string[] = [];

beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({
    url: test_db.url,
    max_connections: 2,
    onStatement: (sql) => statements.push(sql),
  });
});
afterAll(async () => {
  await database.close();
  await test_db.drop();
});
beforeEach(() => {
  statements.length = 0;
});

const serviceAt = (now_ms: () => number) =>
  projectSettings({ rows: projectSettingsRepository(database.db), now_ms, known_for_ms: 1_000 });
const UNKNOWN = '00000000-0000-7000-8000-000000000003';

describe('the settings that runs are held to', () => {
  it('are asked for once in a while, whether something is set or not', async () => {
    let now = 0;
    const settings = serviceAt(() => now);
    expect(await settings.known(DEFAULT_PROJECT_ID)).toEqual(NO_SETTINGS);
    // At once: not even a promise.
    expect(settings.known(DEFAULT_PROJECT_ID)).toEqual(NO_SETTINGS);
    expect(statements).toHaveLength(1);
    now = 1_001;
    await settings.known(DEFAULT_PROJECT_ID);
    expect(statements).toHaveLength(2);
  });

  it('are not asked for where they came with the project', () => {
    const settings = serviceAt(() => 0);
    settings.learn(UNKNOWN, { max_open_runs: 3 });
    expect(settings.known(UNKNOWN)).toEqual({ ...NO_SETTINGS, max_open_runs: 3 });
    expect(statements).toEqual([]);
  });

  it('are known at once where they were set, and elsewhere when what is known is old', async () => {
    let now = 0;
    const [here, there] = [serviceAt(() => now), serviceAt(() => now)];
    expect(await there.known(DEFAULT_PROJECT_ID)).toEqual(NO_SETTINGS);
    const wanted = { ...NO_SETTINGS, max_runs_per_day: 9 };
    const { version } = await here.put(DEFAULT_PROJECT_ID, wanted);
    expect(here.known(DEFAULT_PROJECT_ID)).toEqual(wanted);
    expect(there.known(DEFAULT_PROJECT_ID)).toEqual(NO_SETTINGS);
    now = 1_001;
    expect(await there.known(DEFAULT_PROJECT_ID)).toEqual(wanted);
    await expect(here.put(DEFAULT_PROJECT_ID, NO_SETTINGS, version - 1)).rejects.toMatchObject({
      code: 'stale_if_match',
    });
    await here.put(DEFAULT_PROJECT_ID, NO_SETTINGS, version);
  });

  it('of no project are none', async () => {
    const settings = serviceAt(() => 0);
    expect(await settings.known(UNKNOWN)).toEqual(NO_SETTINGS);
    await expect(settings.get(UNKNOWN)).rejects.toMatchObject({ code: 'not_found' });
    await expect(settings.put(UNKNOWN, NO_SETTINGS)).rejects.toMatchObject({ code: 'not_found' });
  });
});
