import type { Json, JsonObject } from '../../../contract/json.ts';
import type { Sandbox, SandboxRequest } from '../../../contract/sandbox.ts';
import type { SourceFile, SourceRepository } from '../../../contract/source-repository.ts';
import { refusal } from '../../../sandbox/refusal.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { runProgram } from '../../nodes/program.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import { folderPrefix, type Sources } from '../source.ts';
import { type ArtifactFile, filesOfManifest, keepManifest, readManifest } from './artifact.ts';
import { BUILD_FILE, buildPrograms, type BuildPrograms } from './build-program.ts';
import type { BuildProgram, DeploymentInput } from './input.ts';
import type { DeploymentPlan } from './validate.ts';

interface Deps {
  sources: Sources;
  sandbox: Sandbox;
  blobs: Pick<BlobService, 'get'>;
}

/** What building gave. */
interface Built extends JsonObject {
  digest: string;
  artifact_ref: string;
  /** The files it was built from; a test gets them too. */
  tree_ref: string;
  files: number;
  bytes: number;
  /** Entries of the tree that are no files, by kind. */
  skipped: Record<string, number>;
  source: JsonObject;
  test: Json;
}

/** As much as the sandbox takes, and more than one deploys without building. */
const MAX_FILES = 1_000;
const PREVIEW_CHARS = 4_096;

/** BuildArtifacts and RunTests of an application, in the sandbox. */
export function applicationSteps(deps: Deps): Record<'BuildArtifacts' | 'RunTests', NodeExecutor> {
  const { sources, sandbox, blobs } = deps;

  async function build(input: DeploymentInput, plan: DeploymentPlan, context: NodeContext): Promise<Built> {
    const { repository, commit, path } = plan.source as {
      repository: string;
      commit: string;
      path: string | null;
    };
    const { project_id, signal } = context;
    // What a tar holds is its only commit.
    const ref = repository.startsWith('sha256:') ? undefined : commit;
    const tree = await sources({ project_id, repository, ref, depth: 1, signal }, (opened) =>
      keepTree(opened, path ?? '', context),
    );
    const programs = buildPrograms(input, tree.build_file);
    const tree_ref = await keepManifest(tree.files, context);
    const files = await artifactFiles(tree.files, programs, context);
    const artifact_ref = await keepManifest(files, context);
    const output: Built = {
      digest: artifact_ref,
      artifact_ref,
      tree_ref,
      files: files.length,
      bytes: files.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
      skipped: tree.skipped,
      source: plan.source,
      test: programs.test as unknown as Json,
    };
    return output;
  }

  async function artifactFiles(
    files: ArtifactFile[],
    { build: program }: BuildPrograms,
    context: NodeContext,
  ): Promise<ArtifactFile[]> {
    if (!program) return files;
    const content = await filesOfManifest(blobs, context.project_id, { files });
    const { output, ended_well } = await runIn(program, content, context);
    if (!ended_well) throw new StepFailure('build_failed', 'The build did not succeed.', { output });
    const executable = new Set(files.filter((file) => file.executable).map(({ path }) => path));
    const made = output.artifacts as unknown as ArtifactFile[];
    if (made.length === 0)
      throw new StepFailure('build_failed', 'The build left nothing in out/.', { output });
    return made.map((file) => ({ ...file, executable: executable.has(file.path) }));
  }

  async function test(artifact: Built, context: NodeContext): Promise<JsonObject> {
    if (artifact.test === null) return { passed: null };
    const { project_id } = context;
    const of = async (ref: string) =>
      filesOfManifest(blobs, project_id, await readManifest(blobs, project_id, ref));
    const tree = await of(artifact.tree_ref);
    const made = artifact.tree_ref === artifact.artifact_ref ? {} : await of(artifact.artifact_ref);
    const files = {
      ...tree,
      ...Object.fromEntries(Object.entries(made).map(([name, bytes]) => [`out/${name}`, bytes])),
    };
    const { output, ended_well } = await runIn(artifact.test as unknown as BuildProgram, files, context);
    if (ended_well) return { passed: true, ...output };
    throw new StepFailure('tests_failed', 'The tests did not pass.', {
      output: { passed: false, ...output },
    });
  }

  async function runIn(program: BuildProgram, files: Record<string, Uint8Array>, context: NodeContext) {
    const refused = refusal(sandbox.report, { language: program.language });
    if (refused) throw refused;
    const request: SandboxRequest = { ...program, files };
    const { output } = await runProgram(sandbox, request, context);
    const { exit_code, cause, stdout, stderr, usage, artifacts } = output as Record<string, Json>;
    const shown = {
      exit_code,
      cause,
      stdout: tailOf(stdout),
      stderr: tailOf(stderr),
      usage,
      artifacts,
    } as JsonObject;
    return { output: shown, ended_well: cause === 'exited' && exit_code === 0 };
  }

  return {
    BuildArtifacts: ({ input, plan }, context) =>
      succeeding(() => build(input as unknown as DeploymentInput, plan as DeploymentPlan, context)),
    RunTests: ({ artifact }, context) => succeeding(() => test(artifact as Built, context)),
  };
}

const tailOf = (text: Json | undefined): string =>
  typeof text === 'string' ? text.slice(-PREVIEW_CHARS) : '';

/** The files of the tree below a folder, kept as blobs, with paths from there. */
async function keepTree(repository: SourceRepository, folder: string, context: NodeContext) {
  const prefix = folderPrefix(folder);
  const entries = repository.tree.filter(({ path }) => path.startsWith(prefix));
  const regular = entries.filter(isFile);
  const skipped: Record<string, number> = {};
  for (const entry of entries) if (!isFile(entry)) skipped[entry.mode] = (skipped[entry.mode] ?? 0) + 1;
  if (repository.truncated || regular.length > MAX_FILES)
    throw new StepFailure('limit_exceeded', `An application has at most ${MAX_FILES} files.`);
  if (regular.length === 0) throw new StepFailure('not_found', 'There are no files to deploy.');
  const files: ArtifactFile[] = [];
  let build_file: string | undefined;
  for (const entry of regular) {
    context.signal.throwIfAborted();
    const content = await repository.readFile(entry.path);
    if (content.kind === 'too_large')
      throw new StepFailure('limit_exceeded', `The file ${entry.path} is too large.`);
    const path = entry.path.slice(prefix.length);
    if (path === BUILD_FILE) build_file = Buffer.from(content.bytes).toString('utf8');
    const cas_id = await context.keep(content.bytes, 'application/octet-stream');
    const executable = entry.mode === 'executable';
    files.push({ path, cas_id, size_bytes: content.bytes.byteLength, executable });
  }
  return { files, skipped, build_file };
}

const isFile = ({ mode }: SourceFile): boolean => mode === 'file' || mode === 'executable';
