import type { AppError } from '../../contract/errors.ts';
import {
  type Quota,
  quotaLocks,
  quotasOf,
  refuseOverQuota,
  type Quotas,
  type UsedUp,
  type Wish,
} from './quotas.ts';

const NO_LIMIT = { max_open_runs: null, max_runs_per_day: null };
const NONE = { open_runs: null, runs_per_day: null };
const PROJECT = { max_open_runs: 5, max_runs_per_day: null };
const PRINCIPAL = { open_runs: null, runs_per_day: 7 };
type Case = [
  about: string,
  run: Wish,
  settings: Parameters<typeof quotasOf>[1],
  each: Quota,
  expected?: object,
];
const wish = (actor: string, more = {}): Wish => ({ project_id: 'p', actor, more });

describe('a run counts', () => {
  it.each<Case>([
    ['against nothing where nothing is set', wish('user:a'), NO_LIMIT, NONE, undefined],
    [
      'against its project',
      wish('user:a'),
      PROJECT,
      NONE,
      { of_project: { open_runs: 5 }, of_principal: NONE },
    ],
    ['against its principal', wish('token:a'), NO_LIMIT, PRINCIPAL, { of_principal: { runs_per_day: 7 } }],
    ['against no principal when a schedule begins it', wish('schedule:x'), NO_LIMIT, PRINCIPAL, undefined],
    [
      'against the project when a sender who signs begins it',
      wish('hook:x'),
      PROJECT,
      PRINCIPAL,
      { of_principal: NONE },
    ],
    [
      'against nothing when it is a child',
      wish('user:a', { parent_run_id: 'r' }),
      PROJECT,
      PRINCIPAL,
      undefined,
    ],
    ['although it is a fork', wish('user:a', { forked_from: 'r' }), PROJECT, NONE, { principal: 'user:a' }],
  ])('%s', (...[, run, settings, each, expected]) => {
    const quotas = quotasOf(run, settings, each);
    if (expected === undefined) expect(quotas).toBeUndefined();
    else expect(quotas).toMatchObject(expected);
  });
});

const QUOTAS: Quotas = {
  project_id: 'p',
  principal: 'user:a',
  of_project: { open_runs: 5, runs_per_day: 6 },
  of_principal: { open_runs: 7, runs_per_day: 8 },
};
const NOTHING: UsedUp = {
  project_open: false,
  principal_open: false,
  project_day_seconds: null,
  principal_day_seconds: null,
};

describe('what is locked', () => {
  it.each([
    [QUOTAS, 2],
    [{ ...QUOTAS, of_principal: NONE }, 1],
    [{ ...QUOTAS, of_project: NONE }, 1],
  ])('is what has a quota, and nothing else', (quotas, count) => {
    expect(new Set(quotaLocks(quotas)).size).toBe(count);
  });

  it('is the project’s one thing and the principal’s another, whatever they are called', () => {
    const same = { ...QUOTAS, project_id: 'x', principal: 'x' };
    expect(new Set(quotaLocks(same)).size).toBe(2);
  });
});

describe('a start', () => {
  const refusal = (used: Partial<UsedUp>) => {
    try {
      refuseOverQuota(QUOTAS, { ...NOTHING, ...used });
      return undefined;
    } catch (error) {
      const { code, data } = error as AppError;
      return { code, paths: data.errors?.map(({ path }) => path), wait: data.retry_after_seconds };
    }
  };

  it.each<[Partial<UsedUp>, string[], number]>([
    [{ project_open: true }, ['/project/open_runs'], 10],
    [{ principal_open: true }, ['/principal/open_runs'], 10],
    [{ project_day_seconds: 90 }, ['/project/runs_per_day'], 90],
    [
      { principal_day_seconds: 0.5, project_open: true },
      ['/project/open_runs', '/principal/runs_per_day'],
      10,
    ],
    [
      { project_day_seconds: 60, principal_day_seconds: 70 },
      ['/project/runs_per_day', '/principal/runs_per_day'],
      70,
    ],
  ])('with %j used up is refused for %j', (used, paths, wait) => {
    expect(refusal(used)).toEqual({ code: 'quota_exceeded', paths, wait });
  });

  it('with room in all of them is not', () => {
    expect(refusal({})).toBeUndefined();
  });
});
