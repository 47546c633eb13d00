import { AppError } from '../contract/errors.ts';
import type { SecretChanges, SecretRepository, SecretRow, SecretVersion } from '../persistence/secrets.ts';
import { aboutSecret } from '../persistence/secrets-seal.ts';
import type { Caller } from './refs.ts';
import type { SealedBox } from './sealed-box.ts';
import { type Page, page } from './tags.ts';

/** What may be known of a secret. */
export interface SecretView extends SecretRow {
  /** The newest first, at most 100, with those of a secret of this name that was deleted. */
  versions: SecretVersion[];
}

/** The secrets of projects, for who looks after them: no function answers a value. */
export interface SecretService {
  /** By name, after `page.after`. */
  list(project_id: string, page: { after?: string; limit: number }): Promise<Page<SecretRow, string>>;
  get(project_id: string, name: string): Promise<SecretView>;
  /**
   * Makes a new version; none when the value is the one there is. Throws `stale_if_match`, `state_conflict` when there
   * are too many, `not_implemented` where no key is set.
   */
  put(
    caller: Caller,
    secret: { name: string; value: string },
    if_match?: number,
  ): Promise<{ created: boolean; secret: SecretRow }>;
  /** Wipes every value. Throws `not_found`, `stale_if_match`. */
  delete(caller: Caller, name: string, if_match?: number): Promise<void>;
}

const MAX_SECRETS = 1_000;
const SHOWN_VERSIONS = 100;

interface Deps {
  secrets: SecretRepository;
  /** Undefined where no key is set. */
  box: SealedBox | undefined;
}

/** Keeps what projects keep secret. */
export function secretService({ secrets, box }: Deps): SecretService {
  return {
    list: async (project_id, { after = '', limit }) =>
      page(await secrets.list(project_id, { after, limit: limit + 1 }), limit, ({ name }) => name),

    async get(project_id, name) {
      const versions = await secrets.versions(project_id, name, SHOWN_VERSIONS);
      const [latest] = versions;
      if (!latest || latest.deleted_at) throw new AppError('not_found');
      const { version, created_by, created_at } = latest;
      return { name, version, created_by, created_at, versions };
    },

    async put(caller, secret, if_match) {
      if (!box) throw noKey();
      return secrets.inTurn(caller.project_id, (changes) =>
        write(changes, box, caller, { ...secret, if_match }),
      );
    },

    delete: ({ project_id, actor }, name, if_match) =>
      secrets.inTurn(project_id, async (changes) => {
        const [there] = await changes.latest(project_id, [name]);
        requireVersion(there, if_match);
        if (!there) throw new AppError('not_found');
        await changes.wipe(project_id, name, actor);
      }),
  };
}

async function write(
  changes: SecretChanges,
  box: SealedBox,
  { project_id, actor }: Caller,
  { name, value, if_match }: { name: string; value: string; if_match?: number },
) {
  const [there] = await changes.latest(project_id, [name]);
  requireVersion(there, if_match);
  // One that cannot be read any more is another value: writing it again is how it is mended.
  if (there && box.open(there.sealed, aboutSecret(project_id, name, there.version)) === value) {
    const [same] = await changes.versions(project_id, name, 1);
    return { created: false, secret: rowOf(name, same!) };
  }
  const last = await changes.last(project_id, name);
  if (!there && last.names >= MAX_SECRETS)
    throw new AppError('state_conflict', { detail: `A project has at most ${MAX_SECRETS} secrets.` });
  const version = last.version + 1;
  const sealed = box.seal(value, aboutSecret(project_id, name, version));
  const secret = await changes.insert({ name, version, sealed }, { project_id, actor });
  return { created: !there, secret };
}

const rowOf = (name: string, { version, created_by, created_at }: SecretVersion): SecretRow => ({
  name,
  version,
  created_by,
  created_at,
});

function requireVersion(there: { version: number } | undefined, if_match: number | undefined): void {
  if (if_match === undefined || if_match === there?.version) return;
  throw new AppError('stale_if_match', { extra: { current_version: there?.version ?? null } });
}

const noKey = () =>
  new AppError('not_implemented', {
    detail: 'No secrets are kept here, because no key is set (secrets.key).',
  });
