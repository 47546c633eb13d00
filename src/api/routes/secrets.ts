import type { SecretService } from '../../domain/secrets-kept.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText } from '../schemas/conventions.ts';
import {
  listSecretsQuery,
  newSecretParams,
  secretBody,
  secretDetails,
  secretParams,
  secretsParams,
  secretVersionHeader,
  secretView,
} from '../schemas/secrets.ts';
import { callerOf, etagOf } from './tags-views.ts';

interface Deps {
  secrets: SecretService;
}

const group = 'projects';
const collection = '/projects/:id/secrets';
const item = `${collection}/:name`;
const here = { description: 'The secret, without its value.', headers: secretVersionHeader };

/** What a project keeps secret. Values come in, and never go out. */
export const secretRoutes = (deps: Deps): Route[] => [...reads(deps), putRoute(deps), deleteRoute(deps)];

const reads = ({ secrets }: Deps) => [
  route({
    method: 'get',
    path: collection,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'The secrets of a project by name, without their values.',
    params: secretsParams,
    query: listSecretsQuery,
    responses: { 200: { description: 'One page.', schema: page(secretView) } },
    async handler(call) {
      const { limit, cursor } = call.query;
      const after = decodeCursor(cursor, { name: rowText })?.name;
      return pageReply(await secrets.list(call.project_id, { after, limit }), (name) => ({ name }));
    },
  }),
  route({
    method: 'get',
    path: item,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'A secret and its versions, without values.',
    params: secretParams,
    responses: { 200: { ...here, schema: secretDetails } },
    async handler(call) {
      const secret = await secrets.get(call.project_id, call.params.name);
      return { status: 200, body: secret, headers: etagOf(secret.version) };
    },
  }),
];

// The same value again makes no new version, so that it needs no key, whose digest of the body would stay.
const putRoute = ({ secrets }: Deps) =>
  route({
    method: 'put',
    path: item,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'Keep a secret, or give it a new value.',
    params: newSecretParams,
    body: secretBody,
    secret_body: true,
    idempotent: false,
    responses: {
      200: { ...here, schema: secretView },
      201: { ...here, schema: secretView, description: 'The new secret, without its value.' },
    },
    async handler(call) {
      const { name } = call.params;
      const put = await secrets.put(callerOf(call), { name, value: call.body.value }, call.if_match);
      return { status: put.created ? 201 : 200, body: put.secret, headers: etagOf(put.secret.version) };
    },
  });

const deleteRoute = ({ secrets }: Deps) =>
  route({
    method: 'delete',
    path: item,
    group,
    project_in_path: true,
    role: 'maintainer',
    summary: 'Delete a secret: every version loses its value.',
    params: secretParams,
    responses: { 204: { description: 'It is gone.' } },
    async handler(call) {
      await secrets.delete(callerOf(call), call.params.name, call.if_match);
      return { status: 204 };
    },
  });
