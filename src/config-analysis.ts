import { z } from 'zod';
import { advisoryFields } from './config-advisories.ts';
import { field, section } from './config-fields.ts';

/** What analyses the code of repositories besides the product's own rules. */
export const analysis = section({
  external: field(
    z.enum(['auto', 'off'], 'must be auto or off').default('auto'),
    'Whether analyses use ruff, lizard, bandit, semgrep and gitleaks where the worker finds them on its `PATH`.',
  ),
  ...advisoryFields,
});
