import type { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { DeployEnvironment } from '../../contract/deployer.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MAX_VARIABLES = 200;
const MAX_VALUE_CHARS = 32_768;

/**
 * The settings of an environment in the form of its deployer. Throws `validation_failed` with every problem, each under
 * its pointer from the environment's root; values are not repeated in it.
 */
export function readSettings<S extends z.ZodType>(schema: S, environment: DeployEnvironment): z.output<S> {
  const errors = environmentProblems(environment);
  const parsed = schema.safeParse(environment.settings);
  for (const issue of parsed.error?.issues ?? []) {
    errors.push({ path: ['/settings', ...issue.path.map(String)].join('/'), message: issue.message });
  }
  if (parsed.success && errors.length === 0) return parsed.data;
  throw new AppError('validation_failed', { detail: 'The environment is not set up rightly.', errors });
}

function environmentProblems({ name, variables }: DeployEnvironment): { path: string; message: string }[] {
  const errors: { path: string; message: string }[] = [];
  if (!NAME.test(name)) errors.push({ path: '/name', message: 'Lower case letters, digits and dashes.' });
  const entries = Object.entries(variables);
  if (entries.length > MAX_VARIABLES) errors.push({ path: '/variables', message: 'Too many variables.' });
  for (const [key, value] of entries) {
    const good = VARIABLE.test(key) && value.length <= MAX_VALUE_CHARS && !value.includes('\0');
    if (!good) errors.push({ path: `/variables/${key.slice(0, 40)}`, message: 'No variable of a process.' });
  }
  return errors;
}
