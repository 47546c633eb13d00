import { createOidc } from './container-oidc.ts';
import type { Base } from './container-store.ts';
import type { AuditLog } from './domain/audit-log.ts';
import { apiKeyService } from './domain/identity/api-keys.ts';
import { authenticator } from './domain/identity/authenticator.ts';
import { sessionService } from './domain/identity/sessions.ts';
import { tokenRing } from './domain/identity/token-ring.ts';
import { userService } from './domain/identity/users.ts';
import { memberService } from './domain/project-members.ts';
import type { ProjectSettingsService } from './domain/project-settings.ts';
import { projectService } from './domain/projects.ts';
import { sealedBox } from './domain/sealed-box.ts';
import { newId } from './ids.ts';
import { apiKeyRepository } from './persistence/api-keys.ts';
import { projectMemberRepository } from './persistence/project-members.ts';
import { projectRepository } from './persistence/projects.ts';
import { signingKeyRepository } from './persistence/signing-keys.ts';
import { userRepository } from './persistence/users.ts';
import { userSessionRepository } from './persistence/user-sessions.ts';

/** Who may come in, and what they may do. `jwt_secret` keeps the keys that sign tokens. */
export function createIdentity(
  base: Base,
  jwt_secret: string,
  settings: Pick<ProjectSettingsService, 'learn'>,
  audit: AuditLog,
) {
  const { config, db, logger } = base;
  const { issuer, audience, token_hours, session_days } = config.auth;
  const users = userRepository(db);
  const sessions = userSessionRepository(db);
  const api_keys = apiKeyRepository(db);
  const box = sealedBox([jwt_secret], 'signing-keys');
  const keys = signingKeyRepository(db);
  const ring = tokenRing({ keys, box, issuer, audience, hours: token_hours, ids: newId });
  const who = authenticator({
    ring,
    sessions,
    api_keys,
    oidc: createOidc(base, audit),
    onError: (err) => logger.warn({ err }, 'the use of an API key was not noted'),
  });
  const { onChange } = who;
  return {
    ring,
    authenticator: who,
    sessions: sessionService({ users, sessions, ring, session_days, ids: newId, onChange }),
    api_keys: apiKeyService({ api_keys, ids: newId, onChange }),
    users: userService({ users, ids: newId, onChange }),
    projects: projectService({ projects: projectRepository(db), settings, ids: newId, onChange }),
    members: memberService({ members: projectMemberRepository(db), users, onChange }),
  };
}
