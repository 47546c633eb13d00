import { PROJECT_ID, type TestStore, testStore } from '../../support/store.ts';
import { newId } from '../../../src/ids.ts';
import { sealedBox, type SealedBox } from '../../../src/domain/sealed-box.ts';
import { configuredSecrets, projectSecrets } from '../../../src/domain/secrets.ts';
import { secretService } from '../../../src/domain/secrets-kept.ts';
import { secretUpkeep } from '../../../src/domain/secrets-upkeep.ts';
import { secretRepository } from '../../../src/persistence/secrets.ts';
import { sealedTables } from '../../../src/persistence/secrets-seal.ts';
import { webhookRepository } from '../../../src/persistence/webhooks.ts';

const [FIRST, SECOND, THIRD] = ['first', 'second', 'third'].map((name) => `${name}-key`.padEnd(40, '-')) as [
  string,
  string,
  string,
];
const boxOf = (...keys: string[]) => sealedBox(keys, 'secrets');
const caller = { project_id: PROJECT_ID, actor: 'token:test', role: 'maintainer' } as const;
const CONFIGURED = configuredSecrets([{ name: 'BOTH', secret: { reveal: () => 'configured' } }]);

let opened: TestStore;

beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());
beforeEach(() => opened.database.pool.query('TRUNCATE project_secret; DELETE FROM webhook'));

const db = () => opened.database.db;
const service = (box: SealedBox | undefined) => secretService({ secrets: secretRepository(db()), box });
const source = (box: SealedBox | undefined) =>
  projectSecrets({ secrets: secretRepository(db()), box, configured: CONFIGURED });
const upkeep = (box: SealedBox | undefined, told: number[] = []) =>
  secretUpkeep({ tables: sealedTables(db()), box, onUnreadable: (count) => void told.push(count) });

async function keepMany(box: SealedBox, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `S${i}`);
  for (const name of names) await service(box).put(caller, { name, value: `value of ${name}` });
  return names;
}

async function webhook(secret: string): Promise<string> {
  const id = newId();
  const about = { url: 'https://x.test/', events: ['*'], description: null, created_by: 'test' };
  await webhookRepository(db()).insert({ id, project_id: PROJECT_ID, secret, ...about });
  return id;
}

const allOf = async (box: SealedBox, names: string[]) => [
  ...(await source(box).findAll(PROJECT_ID, names)).values(),
];

describe('a new key', () => {
  it('reads what the one before sealed, and seals all of it anew, more than one batch too', async () => {
    const names = await keepMany(boxOf(FIRST), 230);
    const values = names.map((name) => `value of ${name}`).sort();
    const both = boxOf(SECOND, FIRST);
    expect((await allOf(both, names)).sort()).toEqual(values);
    expect(await upkeep(both).sweep()).toEqual({ sealed: 230, unreadable: 0 });
    expect(await upkeep(both).sweep()).toEqual({ sealed: 0, unreadable: 0 });
    expect((await allOf(boxOf(SECOND), names)).sort()).toEqual(values);
    await expect(source(boxOf(FIRST)).find(PROJECT_ID, 'S1')).rejects.toMatchObject({
      code: 'secrets_unavailable',
    });
  });

  it('is brought to every row once, however many processes begin at the same time', async () => {
    const names = await keepMany(boxOf(FIRST), 120);
    const both = boxOf(SECOND, FIRST);
    const done = await Promise.all(Array.from({ length: 5 }, () => upkeep(both).sweep()));
    expect(done.reduce((sum, { sealed }) => sum + sealed, 0)).toBe(120);
    expect((await allOf(boxOf(SECOND), names)).length).toBe(120);
  });

  it('leaves a value alone that is given while it goes through them', async () => {
    await keepMany(boxOf(FIRST), 1);
    const [table] = sealedTables(db());
    const [before] = await table!.notOf('none', '', 10);
    await service(boxOf(FIRST)).delete(caller, 'S0');
    await service(boxOf(FIRST)).put(caller, { name: 'S0', value: 'newer' });
    const sealed = boxOf(SECOND).seal('value of S0', before!.about);
    expect(await table!.replace([{ ...before!, sealed }])).toBe(0);
    expect(await source(boxOf(FIRST)).find(PROJECT_ID, 'S0')).toBe('newer');
  });

  it('seals what old versions have as well', async () => {
    await keepMany(boxOf(FIRST), 1);
    await service(boxOf(FIRST)).put(caller, { name: 'S0', value: 'second' });
    expect(await upkeep(boxOf(SECOND, FIRST)).sweep()).toEqual({ sealed: 2, unreadable: 0 });
  });
});

describe('the secret of an outgoing webhook', () => {
  it('is sealed once there is a key, and again with the next one', async () => {
    const id = await webhook('whsec_plain');
    expect(await upkeep(undefined).sweep()).toEqual({ sealed: 0, unreadable: 0 });
    const secretIn = async () => (await webhookRepository(db()).find(PROJECT_ID, id))!.secret;
    expect(await secretIn()).toBe('whsec_plain');
    expect(await upkeep(boxOf(FIRST)).sweep()).toEqual({ sealed: 1, unreadable: 0 });
    expect(boxOf(FIRST).open(await secretIn(), `webhook|${id}`)).toBe('whsec_plain');
    expect(await upkeep(boxOf(SECOND, FIRST)).sweep()).toEqual({ sealed: 1, unreadable: 0 });
    expect(boxOf(SECOND).open(await secretIn(), `webhook|${id}`)).toBe('whsec_plain');
  });
});

describe('what no key opens', () => {
  it('is counted, told of once, and leaves the rest alone', async () => {
    await keepMany(boxOf(THIRD), 150);
    await service(boxOf(FIRST)).put(caller, { name: 'GOOD', value: 'good' });
    await webhook(boxOf(THIRD).seal('whsec', 'webhook|x'));
    const told: number[] = [];
    const keeper = upkeep(boxOf(SECOND, FIRST), told);
    expect(await keeper.sweep()).toEqual({ sealed: 1, unreadable: 151 });
    expect(await keeper.sweep()).toEqual({ sealed: 0, unreadable: 151 });
    expect(told).toEqual([151]);
    expect(await source(boxOf(SECOND)).find(PROJECT_ID, 'GOOD')).toBe('good');
  });

  it('is an error that names it, also where no key is set, and another value mends it', async () => {
    await keepMany(boxOf(THIRD), 1);
    for (const box of [boxOf(FIRST), undefined])
      await expect(source(box).findAll(PROJECT_ID, ['S0'])).rejects.toMatchObject({
        code: 'secrets_unavailable',
        family: 'unavailable',
        message: expect.stringContaining('The secret S0') as string,
      });
    await service(boxOf(FIRST)).put(caller, { name: 'S0', value: 'mended' });
    expect(await source(boxOf(FIRST)).find(PROJECT_ID, 'S0')).toBe('mended');
  });
});

describe('where secrets come from', () => {
  it('is the project, and then the configuration', async () => {
    const box = boxOf(FIRST);
    expect(await source(box).find(PROJECT_ID, 'BOTH')).toBe('configured');
    await service(box).put(caller, { name: 'BOTH', value: 'kept' });
    expect(await source(box).find(PROJECT_ID, 'BOTH')).toBe('kept');
    await service(box).delete(caller, 'BOTH');
    expect(await source(box).find(PROJECT_ID, 'BOTH')).toBe('configured');
    expect(await source(box).find(PROJECT_ID, 'NEITHER')).toBeUndefined();
  });

  it('takes one statement for any number of names, and none for none', async () => {
    const names = await keepMany(boxOf(FIRST), 3);
    const before = opened.statements.length;
    await source(boxOf(FIRST)).findAll(PROJECT_ID, [...names, 'NEITHER']);
    expect(opened.statements.length - before).toBe(1);
    await source(boxOf(FIRST)).findAll(PROJECT_ID, []);
    expect(opened.statements.length - before).toBe(1);
  });
});
