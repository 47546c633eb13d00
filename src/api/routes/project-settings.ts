import type { ProjectSettingsService, VersionedSettings } from '../../domain/project-settings.ts';
import { route, type Route } from '../route.ts';
import { projectSettingsBody, projectSettingsView } from '../schemas/project-settings.ts';
import { projectParams } from '../schemas/projects.ts';
import { etagOf } from './tags-views.ts';

/** What a project sets for itself. */
export function projectSettingsRoutes({ settings }: { settings: ProjectSettingsService }): Route[] {
  const common = {
    group: 'projects',
    path: '/projects/:id/settings',
    project_in_path: true,
    params: projectParams,
    responses: {
      200: {
        description: 'The settings.',
        schema: projectSettingsView,
        headers: { ETag: 'The version of the settings, in quotes; send it back as `If-Match`.' },
      },
    },
  } as const;
  return [
    route({
      ...common,
      method: 'get',
      summary: 'What a project sets for itself.',
      handler: async ({ project_id }) => reply(await settings.get(project_id)),
    }),
    route({
      ...common,
      method: 'put',
      role: 'owner',
      summary: 'Set what a project sets for itself, all of it: what is left out is not set any more.',
      body: projectSettingsBody,
      handler: async ({ project_id, body, if_match }) =>
        reply(await settings.put(project_id, body, if_match)),
    }),
  ];
}

const reply = ({ settings, version }: VersionedSettings) => ({
  status: 200,
  body: settings,
  headers: etagOf(version),
});
