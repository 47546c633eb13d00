import type { AgePlace } from '../../contract/age-place.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import type { KeyScope, Principal } from '../../contract/principal.ts';
import type { ApiKeyRepository, ApiKeyRow } from '../../persistence/api-keys.ts';
import { apiKeyHash, newApiKeyText } from './api-key-text.ts';
import { ownUser } from './own-user.ts';

export interface ApiKeyOptions {
  api_keys: ApiKeyRepository;
  ids: () => string;
  /** Told when what somebody may do was changed. */
  onChange: () => void;
  now_ms?: () => number;
}

export interface NewKey extends KeyScope {
  name: string;
  expires_at: Date | null;
}

/** The API keys of whoever asks. */
export function apiKeyService({ api_keys, ids, onChange, now_ms = Date.now }: ApiKeyOptions) {
  return {
    /** The only answer that has the key in it. Throws `forbidden` and `validation_failed`. */
    async create(principal: Principal, wanted: NewKey): Promise<ApiKeyRow & { key: string }> {
      const user_id = ownUser(principal);
      const errors = problemsOf(principal, wanted, now_ms());
      if (errors.length > 0) throw new AppError('validation_failed', { errors });
      const key = newApiKeyText();
      const { name, role, projects, permissions, expires_at } = wanted;
      const row = await api_keys.insert({
        id: ids(),
        user_id,
        name,
        hash: apiKeyHash(key),
        role,
        projects: projects && [...projects],
        permissions: [...permissions],
        expires_at,
      });
      return { ...row, key };
    },

    list(principal: Principal, limit: number, after?: AgePlace) {
      return api_keys.list(ownUser(principal), limit, after);
    },

    /** Throws `not_found`. */
    async revoke(principal: Principal, id: string): Promise<void> {
      if (!(await api_keys.revoke(ownUser(principal), id))) throw new AppError('not_found');
      onChange();
    },
  };
}

export type ApiKeyService = ReturnType<typeof apiKeyService>;

function problemsOf(principal: Principal, wanted: NewKey, now_ms: number): Problem[] {
  const foreign = (wanted.projects ?? []).flatMap((id, i) =>
    principal.projects?.includes(id) === false
      ? [{ path: `/projects/${i}`, message: 'is no project of yours' }]
      : [],
  );
  const missing = wanted.permissions.flatMap((one, i) =>
    principal.permissions?.includes(one)
      ? []
      : [{ path: `/permissions/${i}`, message: 'is not yours to give' }],
  );
  const is_over = wanted.expires_at !== null && wanted.expires_at.getTime() <= now_ms;
  const past = is_over ? [{ path: '/expires_at', message: 'is over already' }] : [];
  return [...foreign, ...missing, ...past];
}
