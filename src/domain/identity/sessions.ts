import { hash, randomBytes } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/principal.ts';
import type { UserSessionRepository } from '../../persistence/user-sessions.ts';
import type { UserRepository } from '../../persistence/users.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { ownUser } from './own-user.ts';
import type { TokenRing } from './token-ring.ts';

export interface SessionOptions {
  users: UserRepository;
  sessions: UserSessionRepository;
  ring: TokenRing;
  /** How long somebody stays signed in without a password. */
  session_days: number;
  ids: () => string;
  /** Told when what somebody may do was changed. */
  onChange: () => void;
}

/** What somebody who signed in gets. */
export interface SignedIn {
  token: string;
  user_id: string;
  expires_at: Date;
  /** Good once, for the next token. */
  refresh_token: string;
  refresh_expires_at: Date;
}

/** Signing in and out. */
export function sessionService({ users, sessions, ring, session_days, ids, onChange }: SessionOptions) {
  return {
    /** Throws `unauthenticated`, the same for whatever is wrong, and `overloaded`. */
    async login(email: string, password: string): Promise<SignedIn> {
      const user = await users.findByEmail(email);
      const is_right = await verifyPassword(password, user?.password_hash);
      if (!user || !is_right || user.status !== 'active') throw new AppError('unauthenticated', WRONG);
      const session_id = ids();
      const refresh_token = newRefreshToken();
      const refresh_expires_at = await sessions.begin(
        session_id,
        user.id,
        digest(refresh_token),
        session_days,
      );
      const signed = await ring.sign({ user_id: user.id, session_id });
      return { ...signed, user_id: user.id, refresh_token, refresh_expires_at };
    },

    /**
     * A new token for a refresh token, which is used up by it. One that is shown a second time was copied: its session is
     * ended, whoever of the two it was. Throws `unauthenticated`.
     */
    async refresh(used: string): Promise<SignedIn> {
      const refresh_token = newRefreshToken();
      const refreshed = await sessions.refresh(digest(used), digest(refresh_token));
      if (refreshed === 'stolen') onChange();
      if (typeof refreshed === 'string') throw new AppError('unauthenticated', OVER);
      const { session_id, user_id, expires_at: refresh_expires_at } = refreshed;
      const signed = await ring.sign({ user_id, session_id });
      return { ...signed, user_id, refresh_token, refresh_expires_at };
    },

    /** Ends the caller's session, or all of the caller's. Throws `forbidden`, and `state_conflict` for who has not signed in. */
    async logout(principal: Principal, everywhere: boolean): Promise<void> {
      const { session_id } = principal;
      const user_id = ownUser(principal);
      if (session_id === undefined && !everywhere)
        throw new AppError('state_conflict', { detail: 'This token is of no session.' });
      await sessions.revoke(user_id, everywhere ? undefined : session_id);
      onChange();
    },

    /** Ends the caller's other sessions. Throws `forbidden`, and `validation_failed` for a wrong password. */
    async changePassword(principal: Principal, current: string, wanted: string): Promise<void> {
      const user_id = ownUser(principal);
      const user = await users.find(user_id);
      if (!(await verifyPassword(current, user?.password_hash)))
        throw new AppError('validation_failed', {
          errors: [{ path: '/current_password', message: 'is not the password' }],
        });
      await users.update(user_id, { password_hash: await hashPassword(wanted) }, principal.session_id);
      onChange();
    },

    /** Deletes what is over for good, in batches; says how much there was. */
    async sweep(): Promise<number> {
      await ring.forget();
      return sessions.forget(1_000);
    },
  };
}

export type SessionService = ReturnType<typeof sessionService>;

const WRONG = { detail: 'No such email and password.' };
const OVER = { detail: 'This refresh token is not good, or not any more.' };

const newRefreshToken = (): string => `or_${randomBytes(32).toString('base64url')}`;
const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
