import { DeployFailure, type Deployer } from '../../../contract/deployer.ts';
import { ending } from '../../nodes/succeeding.ts';
import { maskerOf } from '../../rules/masking.ts';
import { deployerPlace } from './deployer-place.ts';
import type { Bringing } from './place.ts';

const unreachable = () =>
  Promise.reject(
    new DeployFailure('unreachable', 'Nobody answers everywhere.', {
      evidence: { tried: 3, at: 'everywhere' },
    }),
  );
const deployer: Deployer = {
  kind: 'webhook',
  ...{ deploy: unreachable, rollback: unreachable, withdraw: unreachable, status: unreachable },
  releases: unreachable,
};
const bringing = {
  environment: { project_id: 'p', name: 'web', deployer: 'webhook' },
  release: { id: 'r', project_id: 'p', digest: 'd' },
  context: { signal: new AbortController().signal, log: () => Promise.resolve() },
} as unknown as Bringing;
const place = deployerPlace({
  deployerOf: () => deployer,
  blobs: { get: () => Promise.reject(new Error('not asked')) },
  resolved: () =>
    Promise.resolve({
      environment: { name: 'web', settings: {}, variables: {} },
      masker: maskerOf(['everywhere']),
    }),
});

it.each([
  ['isLive', () => place.isLive(bringing)],
  ['takeBack', () => place.takeBack(bringing, undefined)],
])(
  'what a deployer fails with in %s fails the step, with what was seen but for secrets',
  async (_name, ask) => {
    const end = await ending(async () => ({ state: 'succeeded', output: await ask(), error: null }));
    expect(end).toEqual({
      state: 'failed',
      output: { evidence: { tried: 3, at: '***' } },
      error: { code: 'unreachable', message: 'Nobody answers ***.' },
    });
  },
);
