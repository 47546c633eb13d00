import { z } from 'zod';
import { INSTALLATION_SCOPE } from '../../contract/audit.ts';
import { instant, moment, pageQuery } from './conventions.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const place = z.coerce.number('must be a number').int().min(1).max(Number.MAX_SAFE_INTEGER);
const text = z.string().min(1).max(512);

const scope = z
  .enum(['project', 'installation'])
  .default('project')
  .meta({ description: 'The project of the call, or what concerns no project.' });

export const listAuditQuery = z.strictObject({
  ...pageQuery,
  scope,
  principal: text.optional().meta({ description: 'Who.' }),
  action: text.optional().meta({ description: 'A documented route: `POST /runs/{id}/cancel`.' }),
  target: text.optional().meta({ description: 'How the path begins that was called.' }),
  status: z.coerce.number('must be a number').int().min(100).max(599).optional(),
  since: moment.optional().meta({ description: 'From then on.' }),
  until: moment.optional().meta({ description: 'Before then.' }),
});

export const verifyAuditQuery = z.strictObject({
  scope,
  from_seq: place.default(1),
  expected_hash: hash
    .optional()
    .meta({ description: 'Of a head that was kept; it must be met from the entry before `from_seq` on.' }),
});

export const exportAuditQuery = z.strictObject({
  scope,
  from_seq: place.default(1),
  to_seq: place.optional().meta({ description: 'The last one; without it the last there is now.' }),
});

export const auditView = z
  .object({
    id: z.guid(),
    scope: z.guid().meta({ description: `A project, or ${INSTALLATION_SCOPE} for what concerns none.` }),
    at: instant,
    principal: z.string().meta({ description: 'Who.' }),
    credential: z.string().nullable().meta({ description: 'With what: `api_key:<id>`, `session:<id>`.' }),
    action: z.string().meta({ description: 'What: the documented route.' }),
    target: z.string().meta({ description: 'The path as it was called, without its query.' }),
    status: z.int().meta({ description: 'What was answered.' }),
    request_id: z.string(),
    address: z.string().meta({ description: 'From where: the other end of the connection.' }),
    user_agent: z.string().nullable(),
    body_digest: z.string().nullable().meta({ description: '`sha256:<hex>` of the body that was read.' }),
    replayed: z.boolean().meta({ description: 'Answered from the memory of an idempotency key.' }),
    seq: z.int().min(1).nullable().meta({ description: 'Null for a moment, until it is sealed.' }),
    previous_hash: hash.nullable(),
    hash: hash.nullable(),
  })
  .meta({ id: 'AuditEntry' });

export const verificationView = z.object({
  scope: z.guid(),
  entries: z.int().min(0).meta({ description: 'How many are as they were sealed, in order.' }),
  head: z.object({ seq: z.int().min(0), hash }).meta({ description: 'The last of them: keep it elsewhere.' }),
  intact: z.boolean(),
  first_broken: z
    .object({
      seq: z.int().min(0),
      reason: z.enum(['entry_missing', 'link_broken', 'entry_altered', 'expected_hash_missing']),
    })
    .nullable(),
  unsealed: z.int().min(0).meta({ description: 'How many have no place in the chain yet.' }),
});
