import { LIMIT_MS } from '../../support/faults.ts';
import { contradictions } from '../../support/model-check.ts';
import { spawnStack, type SpawnedStack } from '../../support/spawned-stack.ts';

/** Where the scenarios of a test file take place, one after the other; it is there once the first of them runs. */
export interface StackStage {
  stack: SpawnedStack;
  /** Fails unless rows, events and Temporal tell the same story. */
  agree(): Promise<void>;
}

/** The product as `npm start` has it, for all tests of the file that asks for it. */
export function stackStage(): StackStage {
  const stage = {} as StackStage;
  beforeAll(async () => {
    const stack = (stage.stack = await spawnStack());
    stage.agree = async () => {
      const { database_url, temporal_address } = stack.dev();
      expect(await contradictions(database_url, temporal_address)).toEqual([]);
    };
  }, LIMIT_MS);
  afterAll(() => stage.stack?.remove(), LIMIT_MS);
  return stage;
}
