import type { Definition } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { TunedOptions } from '../contract/workflows.ts';
import type { RunRepository } from '../persistence/runs.ts';
import { tuneProblems, unknownSteps } from './rules/tune.ts';
import type { CommandAnswer, CommandRequest, CommandService } from './run-commands.ts';

export interface TuneRequest extends Omit<CommandRequest, 'type' | 'payload'> {
  params?: JsonObject;
  /** Options of nodes, for the attempts to come. */
  nodes?: TunedOptions;
  /** JSON Pointer to both in what was sent. */
  at: string;
}

interface Deps {
  runs: Pick<RunRepository, 'find'>;
  commands: Pick<CommandService, 'issue'>;
  readDefinition: (version_hash: string) => Promise<Definition>;
}

export function tuneService({ runs, commands, readDefinition }: Deps) {
  return {
    /**
     * A change of a run's params, as a command. Throws `input_invalid` with every problem, and what issuing a command
     * throws.
     */
    async tune({ params, nodes, at, ...request }: TuneRequest): Promise<CommandAnswer> {
      const run = await runs.find(request.project_id, request.run_id);
      if (!run) throw new AppError('not_found');
      const definition = run.version_hash ? await readDefinition(run.version_hash) : undefined;
      const schema = definition?.params_schema;
      const known = run.executor === 'temporal' ? definition?.nodes : undefined;
      const errors = [
        ...(params || !nodes
          ? tuneProblems({ schema, current: run.params, changes: params ?? {}, at: `${at}/params` })
          : []),
        ...unknownSteps(Object.keys(nodes ?? {}), known ?? {}, `${at}/nodes`),
      ];
      if (errors.length > 0) throw new AppError('input_invalid', { errors });
      const payload = { ...(params && { params }), ...(nodes && { nodes: nodes as unknown as JsonObject }) };
      return commands.issue({ ...request, type: 'tune', payload });
    },
  };
}

export type TuneService = ReturnType<typeof tuneService>;
