import pg from 'pg';
import { LIMIT_MS } from '../../support/faults.ts';
import { startFlakyServer, type FlakyServer } from '../../support/flaky-server.ts';
import { startFleet, type Fleet } from '../../support/fleet.ts';
import { child, fiveSteps } from '../../support/mixed-runs.ts';
import { contradictions } from '../../support/model-check.ts';

/** Where the scenarios of a test file take place, one after the other; it is there once the first of them runs. */
export interface FleetStage {
  fleet: Fleet;
  /** Whom the steps of runs ask. */
  server: FlakyServer;
  db: pg.Pool;
  /** Fails unless rows, events and Temporal tell the same story, and no process ended by itself. */
  agree(): Promise<void>;
}

/** A fleet for all tests of the file that asks for it, with the workflows `child` and `five`. */
export function fleetStage(): FleetStage {
  const stage = {} as FleetStage;
  beforeAll(async () => {
    const server = (stage.server = await startFlakyServer());
    const fleet = (stage.fleet = await startFleet());
    stage.db = new pg.Pool({ connectionString: fleet.database_url, max: 2 });
    // Its server is killed in places.
    stage.db.on('error', () => undefined);
    stage.agree = async () => {
      expect(await contradictions(fleet.database_url, fleet.temporal_address)).toEqual([]);
      expect(fleet.losses()).toEqual([]);
    };
    await fleet.publish('child', child);
    await fleet.publish('five', fiveSteps(server.url));
  }, LIMIT_MS);
  afterAll(async () => {
    await stage.db?.end();
    await stage.fleet?.remove();
    await stage.server?.close();
  }, LIMIT_MS);
  return stage;
}
