import type { Log } from './log.ts';

/** Every place that we fetch from carries this version of the CLI. */
export const CLI_VERSION = '1.9.1';

/** Puts the program into `directory` and answers its path, or rejects saying why it cannot. */
export type CliSource = (directory: string, log: Log) => Promise<string>;
