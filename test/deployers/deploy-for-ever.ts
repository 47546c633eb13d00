/**
 * A process of its own that deploys one release after the other until it is killed, and says so after each. Arguments: one JSON
 * document.
 */
import { releaseDirectoryDeployer } from '../../src/clients/deployers/release-directory.ts';
import { createGuardedFetch } from '../../src/clients/http/guarded-fetch.ts';
import type { DeployEnvironment, DeployRequest } from '../../src/contract/deployer.ts';

export interface Orders {
  base_directory: string;
  environment: DeployEnvironment;
  releases: Pick<DeployRequest, 'release_id' | 'digest' | 'artifact'>[];
}

const { base_directory, environment, releases } = JSON.parse(process.argv[2] ?? '{}') as Orders;
const fetch = createGuardedFetch({ allow: ['127.0.0.1'] });
const deployer = releaseDirectoryDeployer({ base_directory, fetch });
process.stdout.write('ready\n');
for (let i = 0; ; i += 1) {
  const release = releases[i % releases.length]!;
  // Now and then under a new id, so that it is copied again.
  const release_id = `${release.release_id}-${Math.floor(i / 4)}-${process.pid}`;
  await deployer.deploy({ ...release, release_id, environment });
  process.stdout.write('deployed\n');
}
