import { z } from 'zod';
import { parse } from 'yaml';
import { CODE_LANGUAGES } from '../../../contract/sandbox.ts';
import { StepFailure } from '../../step-error.ts';
import type { BuildProgram, DeploymentInput } from './input.ts';

/** Where a repository says how it is built and tested. */
export const BUILD_FILE = '.orchestrator.yaml';

const count = z.int().min(1).optional();
const program = z.strictObject({
  language: z.enum(CODE_LANGUAGES),
  source: z.string().min(1).max(65_536),
  env: z.record(z.string().max(200), z.string().max(32_768)).optional(),
  limits: z
    .strictObject({
      wall_ms: count,
      cpu_ms: count,
      memory_bytes: count,
      processes: count,
      disk_bytes: count,
      artifact_bytes: count,
    })
    .optional(),
});
const buildFile = z.strictObject({ build: program.optional(), test: program.optional() });

export interface BuildPrograms {
  build: BuildProgram | null;
  test: BuildProgram | null;
}

/** How an application is built and tested: as the deployment says, otherwise as its repository does. */
export function buildPrograms(
  { build, test }: Pick<DeploymentInput, 'build' | 'test'>,
  file: string | undefined,
): BuildPrograms {
  const own = file === undefined ? {} : readFile(file);
  return { build: build ?? own.build ?? null, test: test ?? own.test ?? null };
}

/** Throws `validation_failed` with every problem of the file. */
function readFile(text: string): { build?: BuildProgram; test?: BuildProgram } {
  const parsed = buildFile.safeParse(documentOf(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`);
  throw new StepFailure('validation_failed', `${BUILD_FILE}: ${problems.join('; ')}`);
}

function documentOf(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch {
    throw new StepFailure('validation_failed', `${BUILD_FILE} is no YAML.`);
  }
}
