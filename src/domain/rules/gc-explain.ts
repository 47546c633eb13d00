import type { ItemRow, StepUnderWay, WayRow } from '../../persistence/gc-preview.ts';

/** Why something stays: a root, or that its time has not come. */
export type Reason = 'tag' | 'move' | 'approval' | 'run' | 'release' | 'proposal' | 'grace' | 'step';

/** An artifact or a blob in a dry run. */
export interface Explained {
  artifact_id?: string;
  cas_id?: string;
  /** Kind of the artifact, or `blob`. */
  kind: string;
  size_bytes?: number;
  fate: 'kept' | 'collected';
  reason?: Reason;
  /** The root: a tag, a move of it (`seq`) or an approval (`seq`: the tag's version), in its project. */
  project_id?: string;
  tag?: string;
  seq?: number;
  /** The root: a run; and the step of it whose value needs the blob. */
  run_id?: string;
  node?: string;
  /** The root: a proposal that waits to be decided on. */
  proposal_id?: string;
  /** The root: a release (`seq`: its number) in this environment; of a blob only the run that deployed it is told. */
  environment?: string;
  /** What leads from the root to this thing, the root's own artifact first; a cut way ends before it. */
  via?: string[];
  /** Links from the root to this thing. */
  distance?: number;
  unreachable_since?: string;
  /** For what is only too young: when a collection may take it. */
  until?: string;
}

interface Moment {
  grace_seconds: number;
  step: StepUnderWay | null;
}

/** Puts what is known of a thing into words that lead a reader to what holds it. */
export function explain(item: ItemRow, way: WayRow | undefined, moment: Moment): Explained {
  const { id, kind, size_bytes, unreachable_since, why } = item;
  const thing =
    kind === 'blob' ? { cas_id: id, kind, size_bytes: size_bytes ?? 0 } : { artifact_id: id, kind };
  const since = unreachable_since ? { unreachable_since: unreachable_since.toISOString() } : {};
  if (why === null) return { ...thing, fate: 'collected', ...since };
  const reason = why as Reason;
  const kept = { ...thing, fate: 'kept', reason, ...rootOf(item, way, reason), ...wayOf(item, way) } as const;
  if (reason === 'grace') return { ...kept, ...since, ...untilOf(item, moment) };
  if (reason === 'step') return { ...kept, ...since, ...stepOf(moment) };
  return kept;
}

function rootOf(
  { run_id, node, proposal_id }: ItemRow,
  way: WayRow | undefined,
  reason: Reason,
): Partial<Explained> {
  if (run_id) return { run_id, ...(node !== null && { node }) };
  if (proposal_id) return { proposal_id };
  if (!way || way.name === null) return {};
  const project = way.project_id === null ? {} : { project_id: way.project_id };
  if (reason === 'run') return { ...project, run_id: way.name };
  if (reason === 'proposal') return { ...project, proposal_id: way.name };
  if (reason === 'release') return { ...project, environment: way.name, seq: way.seq ?? 0 };
  return { ...project, tag: way.name, ...(way.seq !== null && { seq: way.seq }) };
}

/** A blob hangs on the last artifact of the way, or on a blob that names it. */
function wayOf({ id, kind, named_by }: ItemRow, way: WayRow | undefined): Partial<Explained> {
  const artifacts = (way?.via ?? []).filter((artifact_id) => artifact_id !== id);
  const via = named_by === null ? artifacts : [...artifacts, named_by];
  const to_blob = kind === 'blob' ? 1 : 0;
  return { via, distance: (way?.distance ?? 0) + to_blob + (named_by === null ? 0 : 1) };
}

/** Only what nothing at all needs has a time; what hangs on such a thing waits for that one. */
function untilOf({ unreachable_since }: ItemRow, { grace_seconds }: Moment): Partial<Explained> {
  if (!unreachable_since) return {};
  return { until: new Date(unreachable_since.getTime() + grace_seconds * 1_000).toISOString() };
}

const stepOf = ({ step }: Moment): Partial<Explained> =>
  step ? { run_id: step.run_id, node: step.node } : {};
