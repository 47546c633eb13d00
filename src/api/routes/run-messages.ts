import type { Json } from '../../contract/json.ts';
import type { CommandAnswer } from '../../domain/run-commands.ts';
import type { MessageService } from '../../domain/run-messages.ts';
import { viewCommand } from '../../domain/run-views.ts';
import { route, type Route } from '../route.ts';
import { anyJson } from '../schemas/conventions.ts';
import { commandView } from '../schemas/run-commands.ts';
import { approvalParams, decisionBody, eventParams } from '../schemas/runs.ts';

interface Deps {
  messages: MessageService;
  ids: () => string;
}

const group = 'runs';
const responses = {
  202: { description: 'Accepted; it reaches the run as a signal and is applied once.', schema: commandView },
};

/** What a run waits for: events from outside, and people's decisions. */
export function runMessageRoutes({ messages, ids }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path: '/runs/:id/events/:name',
      group,
      summary: 'Send an event that a step waits for, or will.',
      params: eventParams,
      body: anyJson.optional(),
      responses,
      async handler({ params: { id: run_id, name }, body, project_id, principal, once_id }) {
        const to = { project_id, run_id, id: once_id ?? ids(), actor: principal.id };
        return accepted(await messages.sendEvent({ ...to, name, payload: (body ?? null) as Json }));
      },
    }),
    route({
      method: 'post',
      path: '/runs/:id/approvals/:node',
      group,
      summary: 'Approve or reject a step that waits for a decision.',
      params: approvalParams,
      body: decisionBody,
      responses,
      async handler({ params: { id: run_id, node }, body, project_id, principal, once_id }) {
        const to = { project_id, run_id, id: once_id ?? ids(), actor: principal.id };
        const { form, ...rest } = body;
        const said = { ...rest, ...(form === undefined ? {} : { form: form as Json }) };
        return accepted(await messages.decide({ ...to, ...said, node, role: principal.role }));
      },
    }),
  ];
}

const accepted = ({ command }: CommandAnswer) => ({ status: 202, body: viewCommand(command) });
