import type { ApprovalConfig, Definition } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Role } from '../contract/roles.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import type { StepRepository } from '../persistence/steps.ts';
import { bodyOf } from './node-config.ts';
import { schemaProblemsAt } from './rules/json-schema-problems.ts';
import type { CommandAnswer, CommandService } from './run-commands.ts';

interface Addressed {
  project_id: string;
  run_id: string;
  /** Chosen by the caller, or new: the same id and content is the same message. */
  id: string;
  actor: string;
}

export interface EventMessage extends Addressed {
  name: string;
  payload: Json;
}

export interface DecisionMessage extends Addressed {
  node: string;
  /** Which one, when the node is a map of approvals. */
  item?: number;
  /** What the caller is in the run's project. */
  role: Role;
  decision: 'approve' | 'reject';
  comment?: string;
  form?: Json;
}

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  steps: Pick<StepRepository, 'marks'>;
  commands: Pick<CommandService, 'issue'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
  /** What one message may weigh: more belongs into a blob. */
  inline_bytes: number;
}

/** What people and systems outside tell a run that waits for them. Both travel as commands: durable, applied once. */
export function messageService(deps: Deps) {
  async function openRun(project_id: string, run_id: string): Promise<RunRow> {
    const run = await deps.runs.find(project_id, run_id);
    if (!run) throw new AppError('not_found');
    if (run.ended_at) throw new AppError('run_final', { extra: { state: run.state } });
    return run;
  }

  async function approvalOf(run: RunRow, node: string, item: number): Promise<ApprovalConfig> {
    if (!run.version_hash) throw new AppError('not_found');
    const found = bodyOf(await deps.readDefinition(run.version_hash), node, item);
    if (found.type !== 'approval') throw new AppError('not_found');
    const mark = (await deps.steps.marks(run.id)).find((step) => step.node === node && step.item === item);
    // After a reset only the workflow knows for certain what waits again: it judges the decision when it comes.
    if (mark?.state !== 'waiting' && run.epoch === 0)
      throw new AppError('state_conflict', { detail: `The step ${node} does not wait for a decision.` });
    return found.config;
  }

  return {
    /**
     * An event for whoever waits for its name, now or later in this run. Throws `not_found`, `run_final`,
     * `payload_too_large`, and what issuing a command throws.
     */
    async sendEvent({ name, payload, ...to }: EventMessage): Promise<CommandAnswer> {
      const { inline_bytes } = deps;
      if (Buffer.byteLength(JSON.stringify(payload)) > inline_bytes) {
        const detail = `An event has at most ${inline_bytes} bytes: store more as a blob and send its cas_id.`;
        throw new AppError('payload_too_large', { detail });
      }
      return deps.commands.issue({ ...to, type: 'event', payload: { name, payload } });
    },

    /**
     * A decision on an approval that waits. Throws `not_found` for a node that is no approval, `state_conflict` when it
     * does not wait, `forbidden` without the role or when it forbids who started the run, `input_invalid` for a form
     * that is not what its schema asks for.
     */
    async decide(message: DecisionMessage): Promise<CommandAnswer> {
      const { node, item = -1, role, decision, comment, form, ...to } = message;
      const run = await openRun(to.project_id, to.run_id);
      const config = await approvalOf(run, node, item);
      if (config.roles && role !== 'owner' && !config.roles.includes(role)) throw new AppError('forbidden');
      if (config.forbid_self && run.created_by === to.actor)
        throw new AppError('forbidden', { detail: 'Who started the run may not decide here.' });
      if (config.form && decision === 'approve') {
        const errors = schemaProblemsAt(config.form, form ?? {}, '/form');
        if (errors.length > 0) throw new AppError('input_invalid', { errors });
      }
      const payload: JsonObject = { node, ...(item < 0 ? {} : { item }), decision };
      if (comment !== undefined) payload.comment = comment;
      if (form !== undefined) payload.form = form;
      return deps.commands.issue({ ...to, type: 'decide', payload });
    },
  };
}

export type MessageService = ReturnType<typeof messageService>;
