/** The one model of what analysis and review find. Everything here is plain JSON: it is stored as a blob. */

export const FINDING_AREAS = ['static', 'security', 'performance'] as const;
export type FindingArea = (typeof FINDING_AREAS)[number];

export const FINDING_SEVERITIES = ['error', 'warning', 'note'] as const;
export type FindingSeverity = (typeof FINDING_SEVERITIES)[number];

/** What a rule says of every finding it makes. */
export interface FindingRule {
  /** Of all rules: `security/sql-injection`; a rule of ESLint's keeps its name: `eslint/no-dupe-keys`. */
  rule_id: string;
  area: FindingArea;
  /** What sort of defect it is, shared by the rules that find that sort: `sql-injection`. */
  kind: string;
  severity: FindingSeverity;
  /** What to do about it. */
  help?: string;
  /** `CWE-89`. */
  cwe?: string;
}

export interface Finding extends FindingRule {
  message: string;
  /** From the root of the analysed tree, with `/`. */
  path: string;
  /** Lines and columns count from 1; the end is the first column behind the finding. */
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  /** The analyser that says so: `orchestrator`, `eslint`. */
  tool: string;
  /** 32 hex digits that stay when lines move or the file is renamed; unlike every other's in its analysis. */
  fingerprint: string;
}

export interface SourceFile {
  path: string;
  /** Name of the bytes: `sha256:<hex>`. */
  cas_id: string;
  text: string;
}

export type SourceLanguage = 'javascript' | 'typescript' | 'python' | 'shell' | 'other';

/** Where something stands in a file; see `Finding` for how it counts. */
export interface SourceSpan {
  line: number;
  column: number;
  end_line: number;
  end_column: number;
}

export interface ImportedModule {
  specifier: string;
  span: SourceSpan;
  /** Names taken from it; `default`, and `*` for all of it. */
  names: string[];
  /** Only types are taken, or it is loaded later on: no cycle at load time. */
  deferred: boolean;
}

export interface ExportedName {
  name: string;
  span: SourceSpan;
  is_async: boolean;
  /** The module itself uses it too. */
  is_used_inside: boolean;
  /** A name that merely passes through: `export { name } from 'specifier'`. */
  from?: string;
}

/** A named function of another file, or of this one when `specifier` is null. */
export interface FunctionRef {
  specifier: string | null;
  name: string;
}

/** One call that a whole-tree rule may make a finding of. */
export interface CallFact {
  target: FunctionRef;
  span: SourceSpan;
  /** The statement that the call is, so that a finding keeps its fingerprint. */
  snippet: string;
  /** It is made once for each item of a loop. */
  in_loop: boolean;
  /** Its result is a promise's if the target is async: awaited, or passed on; else it floats or is used as a value. */
  use: 'awaited' | 'passed' | 'floating' | 'value';
  /** Arguments, by position, and where they come from: a request, or a parameter of the function that calls. */
  flows: { argument: number; from: 'request' | number }[];
}

/** What a function does that matters to whoever calls it. */
export interface FunctionFact {
  name: string;
  span: SourceSpan;
  is_async: boolean;
  /** Called for each request: `(req, res) => …`. */
  is_handler: boolean;
  complexity: number;
  calls: CallFact[];
  /** Blocking calls directly in it. */
  sync_calls: { name: string; span: SourceSpan; snippet: string }[];
  /** It asks a database or a server. */
  queries: boolean;
  /** Parameters, by position, that reach what a request's own text must not reach. */
  parameter_sinks: { parameter: number; rule_id: string; span: SourceSpan; snippet: string }[];
}

/** A run of tokens; equal hashes are equal runs. */
export interface ShingleFact {
  hash: string;
  /** Index of its first token in the file. */
  at: number;
  line: number;
  end_line: number;
}

/** What rules about the whole tree need of a file. */
export interface FileFacts {
  path: string;
  language: SourceLanguage;
  lines: number;
  is_test: boolean;
  is_commonjs: boolean;
  imports: ImportedModule[];
  exports: ExportedName[];
  /** Everything may be used: what is exported or imported is not to be seen from the text. */
  is_opaque: boolean;
  functions: FunctionFact[];
  shingles: ShingleFact[];
}

export interface FileAnalysis {
  findings: Finding[];
  facts: FileFacts;
}

export type SeverityCounts = Record<FindingSeverity, number>;

/** Totals of an analysis. */
export interface AnalysisCounts extends SeverityCounts {
  total: number;
  areas: Record<FindingArea, SeverityCounts>;
  files: number;
  lines: number;
  /** Files that were not looked at, by reason. */
  skipped: Record<string, number>;
}
