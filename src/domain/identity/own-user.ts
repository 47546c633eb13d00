import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/principal.ts';

/** The user who calls in person. Throws `forbidden` for the rest: a program that could make keys would outlive its own. */
export function ownUser({ user_id, api_key_id }: Principal): string {
  if (user_id === undefined) throw new AppError('forbidden', { detail: 'This token is of no user.' });
  if (api_key_id !== undefined)
    throw new AppError('forbidden', { detail: 'This is for its user, not for an API key.' });
  return user_id;
}
