import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { serviceProcess } from '../../src/clients/deployers/service-process.ts';
import { processes } from './left-behind.ts';

/** Each query lists what no deployment may leave where something was live before. */
const ROWS: Record<string, string> = {
  'is taken':
    'SELECT e.name FROM deployment_target t JOIN environment e ON e.id = t.environment_id WHERE t.run_id IS NOT NULL',
  'has not one live release': `SELECT e.name FROM release r JOIN environment e ON e.id = r.environment_id
    GROUP BY e.name, r.subject HAVING count(*) FILTER (WHERE state = 'live') <> 1`,
  'has a release on its way': `SELECT e.name FROM release r JOIN environment e ON e.id = r.environment_id WHERE state = 'deploying'`,
  'does not point at what is live': `SELECT e.name FROM deployment_target t JOIN environment e ON e.id = t.environment_id
    LEFT JOIN release r ON r.id = t.current_release_id WHERE r.state IS DISTINCT FROM 'live'`,
  'has a tag elsewhere': `SELECT e.name FROM release r JOIN environment e ON e.id = r.environment_id
    LEFT JOIN tag t ON t.project_id = e.project_id AND t.name = r.subject || '/' || e.name
    WHERE r.kind = 'workflow' AND r.state = 'live' AND t.target_id IS DISTINCT FROM r.artifact_id`,
};
const LIVE = `SELECT e.name, r.id FROM release r JOIN environment e ON e.id = r.environment_id
  WHERE r.kind = 'application' AND r.state = 'live'`;

/**
 * What deployments left half done, in rows, in tags, in the directories of the deployer `release_directory` below `directory`
 * and in the services that run there; empty when all is in order.
 */
export async function halfDone(pool: pg.Pool, directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const [what, query] of Object.entries(ROWS))
    for (const { name } of (await pool.query<{ name: string }>(query)).rows) found.push(`${name} ${what}`);
  const { rows } = await pool.query<{ name: string; id: string }>(LIVE);
  for (const { name, id } of rows)
    for (const what of await halfDoneIn(path.join(directory, name), id)) found.push(`${name} ${what}`);
  return found;
}

async function halfDoneIn(place: string, live: string): Promise<string[]> {
  const namesIn = (folder: string) => readdir(path.join(place, folder));
  const records = (await namesIn('records')).map((name) => path.basename(name, '.json'));
  const releases = await namesIn('releases');
  const current = path.basename(await readlink(path.join(place, 'current')));
  const services = await servicesIn(place);
  const wrong = {
    'has something half written': (await namesIn('tmp')).length > 0,
    'has a switch that did not end': (await namesIn('.')).includes('switch.json'),
    'has files of no release': releases.some((name) => !records.includes(name)),
    'has another current release': current !== live,
    'runs something else': services.some(({ release }) => release !== live),
    'runs it more than once': new Set(services.map(({ group }) => group)).size > 1,
  };
  return Object.entries(wrong).flatMap(([what, is_so]) => (is_so ? [what] : []));
}

/** The processes that run in releases of a place. */
async function servicesIn(place: string): Promise<{ release: string; group: number }[]> {
  const releases = `${path.join(place, 'releases')}${path.sep}`;
  const found = (await processes()).map(async ({ pid, group }) => {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return cwd.startsWith(releases) ? [{ release: cwd.slice(releases.length), group }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** The process groups of the services that are to run, by the environments' names. */
export async function serviceGroups(directory: string, names: readonly string[]): Promise<number[]> {
  const groups = names.map(async (name) => {
    const text = await readFile(path.join(directory, name, 'run', 'pid'), 'utf8').catch(() => '');
    return Number(text.split('\n')[0]);
  });
  return Promise.all(groups);
}

/** Ends the services that these environments left running, as deployments do. */
export async function stopServices(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) await serviceProcess(path.join(directory, name, 'run')).stop(0);
}
