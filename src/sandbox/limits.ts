import type { SandboxLimits } from '../contract/sandbox.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Every limit of one run, resolved: nothing is left to a default further down. */
export type ResolvedLimits = Required<SandboxLimits>;

interface Range {
  min: number;
  default: number;
  max: number;
}

const ranges: Readonly<Record<keyof ResolvedLimits, Range>> = {
  wall_ms: { min: 100, default: 10_000, max: 300_000 },
  cpu_ms: { min: 100, default: 10_000, max: 120_000 },
  memory_bytes: { min: 16 * MIB, default: 256 * MIB, max: 2048 * MIB },
  processes: { min: 1, default: 64, max: 256 },
  file_bytes: { min: 4 * KIB, default: 16 * MIB, max: 16 * MIB },
  disk_bytes: { min: MIB, default: 64 * MIB, max: 64 * MIB },
  output_bytes: { min: KIB, default: MIB, max: 10 * MIB },
  artifact_bytes: { min: 0, default: 16 * MIB, max: 64 * MIB },
};

/** Limits that no request can move. */
export const FIXED_LIMITS = {
  open_files: 256,
  /** All output together; beyond this the program is killed, however little is kept. */
  drained_output_bytes: 64 * MIB,
  artifact_entries: 1_000,
  shared_memory_bytes: 8 * MIB,
  /** An empty file costs kernel memory and no tmpfs block, so files are counted too. */
  inodes: 50_000,
  source_bytes: 4 * MIB,
  input_files: 1_000,
} as const;

/** Resolves what a request asks for: omitted or unreadable = the default, otherwise held inside min and max. */
export function resolveLimits(asked: SandboxLimits = {}): ResolvedLimits {
  const names = Object.keys(ranges) as (keyof ResolvedLimits)[];
  return Object.fromEntries(names.map((name) => [name, clamp(asked[name], ranges[name])])) as ResolvedLimits;
}

function clamp(value: number | undefined, range: Range): number {
  if (value === undefined || Number.isNaN(value)) return range.default;
  return Math.floor(Math.min(Math.max(value, range.min), range.max));
}
