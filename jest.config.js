// It holds up transactions of the server that all tests share: `npm run faults` has it (docs/faults.md).
const aside =
  process.env.ORCHESTRATOR_FAULTS === undefined ? ['/test/faults/builtins-cancel\\.test\\.ts$'] : [];

/** One real PostgreSQL and one real Temporal server for the whole run; each jest worker gets its own database. */
export default {
  testEnvironment: 'node',
  roots: [
    '<rootDir>/src',
    '<rootDir>/workflows',
    '<rootDir>/activities',
    '<rootDir>/worker',
    '<rootDir>/test',
    '<rootDir>/examples',
  ],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: aside,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  maxWorkers: 2,
  // What files leave in memory is gone with their process; beyond this, looking through it takes longer than a new start.
  workerIdleMemoryLimit: '700MB',
  // A limit for what hangs: a busy machine may take long for what is right.
  testTimeout: 180_000,
};
