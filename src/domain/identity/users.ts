import type { AgePlace } from '../../contract/age-place.ts';
import { AppError } from '../../contract/errors.ts';
import { ADMIN_USER_ID } from '../../contract/principal.ts';
import type { Permission } from '../../contract/roles.ts';
import type { UserRepository, UserRow } from '../../persistence/users.ts';
import { hashPassword } from './passwords.ts';

export interface UserOptions {
  users: UserRepository;
  ids: () => string;
  /** Told when what somebody may do was changed. */
  onChange: () => void;
}

export interface NewPerson {
  email: string;
  name: string;
  password?: string;
  permissions: readonly Permission[];
}

export type PersonChange = Partial<Pick<NewPerson, 'name' | 'password' | 'permissions'>> & {
  status?: UserRow['status'];
};

/** A user without what only signing in needs. */
export type Person = Omit<UserRow, 'password_hash'> & { has_password: boolean };

/** The people of an installation, for those who administer it. */
export function userService({ users, ids, onChange }: UserOptions) {
  return {
    /** Throws `state_conflict` for an email that is somebody's. */
    async create({ email, name, password, permissions }: NewPerson, created_by: string): Promise<Person> {
      const password_hash = password === undefined ? null : await hashPassword(password);
      const row = await users.insert({
        id: ids(),
        email,
        name,
        password_hash,
        permissions: [...permissions],
        created_by,
      });
      if (!row) throw new AppError('state_conflict', { detail: 'There is a user with this email.' });
      return personOf(row);
    },

    /** Throws `not_found`. */
    async get(id: string): Promise<Person> {
      return personOf(existing(await users.find(id)));
    },

    /** Throws `not_found`. */
    async getByEmail(email: string): Promise<Person> {
      return personOf(existing(await users.findByEmail(email)));
    },

    async list(limit: number, after?: AgePlace): Promise<Person[]> {
      return (await users.list(limit, after)).map(personOf);
    },

    /** A new password or `disabled` signs the user out everywhere. Throws `not_found`, and `state_conflict` to lock everybody out. */
    async update(id: string, { password, ...change }: PersonChange): Promise<Person> {
      const keeps_right = change.permissions?.includes('installation:administer') !== false;
      if (id === ADMIN_USER_ID && (change.status === 'disabled' || !keeps_right))
        throw new AppError('state_conflict', { detail: 'Somebody has to administer the installation.' });
      const hashed = password === undefined ? {} : { password_hash: await hashPassword(password) };
      const row = existing(await users.update(id, { ...change, ...hashed }));
      onChange();
      return personOf(row);
    },

    /** What the administrator signs in with, unless there is a password already; says whether it was set. */
    async setUpAdministrator(email: string, password: string): Promise<boolean> {
      const { password_hash } = existing(await users.find(ADMIN_USER_ID));
      if (password_hash !== null) return false;
      return users.setFirstPassword(ADMIN_USER_ID, email, await hashPassword(password));
    },
  };
}

export type UserService = ReturnType<typeof userService>;

function existing(row: UserRow | undefined): UserRow {
  if (!row) throw new AppError('not_found');
  return row;
}

function personOf({ password_hash, ...rest }: UserRow): Person {
  return { ...rest, has_password: password_hash !== null };
}
