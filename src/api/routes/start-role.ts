import { AppError } from '../../contract/errors.ts';
import { hasRole, type Role } from '../../contract/roles.ts';
import type { RunType } from '../../contract/run.ts';

const DEPLOYS: Role = 'operator';

/** Throws `forbidden` for who may start runs, but not of this type: to deploy is an operator's. */
export function requireStarter({ role }: { role: Role }, type: RunType): void {
  if (type === 'deployment' && !hasRole(role, DEPLOYS))
    throw new AppError('forbidden', { detail: `To deploy needs the role ${DEPLOYS}.` });
}
