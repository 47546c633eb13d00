export const CODE_LANGUAGES = ['javascript', 'typescript', 'python', 'bash', 'go'] as const;
export type CodeLanguage = (typeof CODE_LANGUAGES)[number];

/** Why a sandboxed program ended; the first cause that is noticed wins. */
export type SandboxCause =
  | 'exited'
  | 'signaled'
  | 'timeout'
  | 'cpu_limit'
  | 'memory_limit'
  | 'output_limit'
  | 'disk_limit'
  | 'cancelled'
  | 'worker_shutdown'
  | 'sandbox_error';

export type SandboxIsolation = 'namespaces' | 'wasm' | 'process';

/** Limits a request may set; each is capped by the maximum of 4-sandbox. Omitted = the default. */
export interface SandboxLimits {
  wall_ms?: number;
  cpu_ms?: number;
  memory_bytes?: number;
  processes?: number;
  file_bytes?: number;
  disk_bytes?: number;
  output_bytes?: number;
  artifact_bytes?: number;
}

export interface SandboxRequest {
  language: CodeLanguage;
  source: string;
  /** CommonJS unless `esm`; javascript and typescript only. */
  module?: 'commonjs' | 'esm';
  /** Files placed beside the program, by relative path. */
  files?: Readonly<Record<string, Uint8Array>>;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  stdin?: string | Uint8Array;
  limits?: SandboxLimits;
  /** The caller accepts QuickJS when namespaces are not to be had. */
  accept_wasm?: boolean;
}

export interface SandboxArtifact {
  path: string;
  bytes: Uint8Array;
}

export interface SandboxUsage {
  wall_ms: number;
  cpu_ms: number;
  peak_memory_bytes: number;
}

export interface SandboxResult {
  exit_code: number | null;
  signal: string | null;
  cause: SandboxCause;
  isolation: SandboxIsolation;
  /** Head and tail of what was written, at most `output_bytes`; the counts are of all that was written. */
  stdout: string;
  stderr: string;
  stdout_bytes: number;
  stderr_bytes: number;
  truncated: boolean;
  /** What the program left in `/work/out`. */
  artifacts: SandboxArtifact[];
  usage: SandboxUsage;
  /** For `sandbox_error`: what went wrong, for the operator's log. */
  detail?: string;
}

export interface SandboxOutputChunk {
  stream: 'stdout' | 'stderr';
  text: string;
}

export interface SandboxRunOptions {
  signal?: AbortSignal;
  /** Called with chunks of at most 16 KiB, at most ten times a second. */
  onOutput?: (chunk: SandboxOutputChunk) => void;
}

export interface LanguageReport {
  language: CodeLanguage;
  available: boolean;
  version?: string;
  reason?: string;
}

/** What the probe found at worker start; shown in `/capabilities` and `/agents`. */
export interface SandboxReport {
  available: boolean;
  isolation: SandboxIsolation | null;
  /** Why the strongest back-end is not used, with the remedy. */
  reason?: string;
  remedy?: string;
  languages: LanguageReport[];
}

export interface Sandbox {
  report: SandboxReport;
  /**
   * Runs one program to its end. User-code failure is a result; rejects with
   * `AppError('sandbox_unavailable')` when nothing here may run it.
   */
  run(request: SandboxRequest, options?: SandboxRunOptions): Promise<SandboxResult>;
}
