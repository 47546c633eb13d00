import { z } from 'zod';
import { field, httpUrl, secretText, section, word } from './config-fields.ts';

/** Where reviews tell what they find. Its internal address, if it has one, is allowed by `http_node.allow_hosts`. */
export const code_host = section({
  kind: field(
    z.enum(['github', 'gitlab'], 'must be github or gitlab').default('github'),
    'Which API it has.',
  ),
  base_url: field(httpUrl.optional(), 'Of the API.', { default_text: 'that of github.com or gitlab.com' }),
  repository: field(
    word
      .regex(
        /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,20}$/,
        'must be owner/name',
      )
      .optional(),
    'Whose pull requests are told: owner/name, or the full path of a GitLab project.',
  ),
  token: field(secretText(1).optional(), 'Of an account that may read pull requests and comment on them.', {
    secret: true,
  }),
}).superRefine(({ kind, repository, token }, context) => {
  const issue = (name: string, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message });
  if (repository === undefined && token !== undefined)
    issue('repository', 'is required with code_host.token');
  if (token === undefined && repository !== undefined)
    issue('token', 'is required with code_host.repository');
  if (kind === 'github' && repository !== undefined && repository.split('/').length !== 2)
    issue('repository', 'must be owner/name');
});
