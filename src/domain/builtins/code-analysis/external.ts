import { relocateFindings, toolFindings } from '../../../analysis/external/tool-findings.ts';
import { EXTERNAL_TOOLS } from '../../../analysis/external/tools.ts';
import { type ExternalTool, NoAnswer, type ToolHit } from '../../../analysis/external/tool.ts';
import type { AnalyserProgram } from '../../../clients/analysers/programs.ts';
import { ProgramFailure } from '../../../clients/analysers/run-program.ts';
import type { Finding, FindingArea } from '../../../contract/findings.ts';
import type { Json } from '../../../contract/json.ts';
import type { AnalysisRepository } from '../../../persistence/analyses.ts';
import { batchesOf, wantedFiles, type Batch, type ExternalFile, type Wanted } from './external-files.ts';

export interface ExternalFindings {
  findings: Finding[];
  /** How often a program looked at a file; the others were known. */
  analysed: number;
  /** One line for each program that did not do all it was asked. */
  problems: string[];
}

export interface ExternalRequest {
  area: FindingArea;
  textOf(file: ExternalFile): Promise<string>;
  signal: AbortSignal;
}

/** What the programs of others that are installed here find. */
export interface ExternalAnalysers {
  /** Tells which programs of which versions there are for an area; empty when there are none. */
  key(area: FindingArea, signal: AbortSignal): Promise<string>;
  /** Never fails because of a program. Rejects with the reason of `signal`. */
  find(files: readonly ExternalFile[], request: ExternalRequest): Promise<ExternalFindings>;
}

interface Deps {
  programs: readonly AnalyserProgram[];
  analyses: Pick<AnalysisRepository, 'find' | 'keep'>;
  limits?: Partial<typeof LIMITS>;
}

const LIMITS = {
  /** Of one start of a program. */
  files: 500,
  bytes: 16 * 1024 * 1024,
  timeout_ms: 120_000,
  /** Of all starts of a program in one analysis. */
  total_ms: 240_000,
};
/** Results that are looked up at once. */
const LOOKED_UP = 500;

/** One program at its work for one analysis. */
interface Look {
  program: AnalyserProgram;
  tool: ExternalTool;
  request: ExternalRequest;
  found: ExternalFindings;
}

/** Results are kept by the bytes of a file, the program and its version: what was looked at is not looked at again. */
export function externalAnalysers({ programs, analyses, limits: given }: Deps): ExternalAnalysers {
  const limits = { ...LIMITS, ...given };
  const toolOf = ({ name }: AnalyserProgram): ExternalTool => EXTERNAL_TOOLS[name];
  const programsFor = (area: FindingArea) => programs.filter((program) => toolOf(program).area === area);

  async function lookAtAll(files: readonly ExternalFile[], look: Look): Promise<void> {
    const { program, tool, request } = look;
    const prefix = `${program.name}:${await program.version(request.signal)}:${tool.version}`;
    const wanted = wantedFiles(files, tool, prefix);
    await takeKnown(wanted, look.found);
    const until = performance.now() + limits.total_ms;
    for await (const batch of batchesOf(wanted.values(), (file) => request.textOf(file), limits)) {
      const left_ms = until - performance.now();
      if (left_ms <= 0) throw new ProgramFailure('had no time for all files');
      await lookAt(batch, look, Math.min(limits.timeout_ms, left_ms));
    }
  }

  /** Leaves in `wanted` what nobody has looked at. */
  async function takeKnown(wanted: Map<string, Wanted>, found: ExternalFindings): Promise<void> {
    const keys = [...wanted.keys()];
    for (let from = 0; from < keys.length; from += LOOKED_UP) {
      for (const [key, result] of await analyses.find(keys.slice(from, from + LOOKED_UP))) {
        take(wanted.get(key), result as unknown as Finding[], found);
        wanted.delete(key);
      }
    }
  }

  async function lookAt(batch: Batch, { program, tool, request, found }: Look, timeout_ms: number) {
    const files = new Map([...batch].map(([name, { text }]) => [name, tool.prepare?.(text) ?? text]));
    const { rules } = tool;
    const output = await program.analyse({ files, rules, timeout_ms, signal: request.signal });
    const { hits, unread } = tool.read(output);
    const by_file = new Map<string, ToolHit[]>([...batch.keys()].map((name) => [name, []]));
    for (const hit of hits) {
      const in_file = by_file.get(hit.file);
      if (!in_file) throw new NoAnswer('It names a file that it was not given.');
      in_file.push(hit);
    }
    const results = new Map<string, Json>();
    for (const [name, { wanted, text }] of batch) {
      const findings = toolFindings(program.name, by_file.get(name) ?? [], text);
      take(wanted, findings, found);
      if (!unread.includes(name)) results.set(wanted.key, findings as unknown as Json);
    }
    found.analysed += batch.size;
    if (unread.length > 0) found.problems.push(`${program.name} gave up on ${unread.length} of the files.`);
    await analyses.keep(results);
  }

  return {
    async key(area, signal) {
      const versions = programsFor(area).map(async (program) => {
        const version = await program.version(signal).catch(() => 'unknown');
        return `${program.name}-${version}-${toolOf(program).version}`;
      });
      return (await Promise.all(versions)).join(',');
    },
    async find(files, request) {
      const found: ExternalFindings = { findings: [], analysed: 0, problems: [] };
      for (const program of programsFor(request.area)) {
        try {
          await lookAtAll(files, { program, tool: toolOf(program), request, found });
        } catch (error) {
          request.signal.throwIfAborted();
          found.problems.push(`${program.name} ${reasonOf(error)}.`);
        }
      }
      return found;
    },
  };
}

function take(wanted: Wanted | undefined, findings: readonly Finding[], found: ExternalFindings): void {
  for (const path of wanted?.paths ?? []) found.findings.push(...relocateFindings(findings, path));
}

/** What is no fault of a program is thrown on. */
function reasonOf(error: unknown): string {
  if (error instanceof ProgramFailure) return error.message;
  if (error instanceof NoAnswer) return 'gave an answer that is none';
  throw error;
}
