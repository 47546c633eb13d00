import type { SandboxRequest } from '../contract/sandbox.ts';
import { AppError, type Problem } from '../contract/errors.ts';
import { pathRefusal } from './artifact-path.ts';
import { FIXED_LIMITS, type ResolvedLimits } from './limits.ts';

/** The linker obeys these before the launcher can set its limits, so they are not the program's to choose. */
const RESERVED_ENV = /^(LD_|DYLD_)/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The program lies beside its files under one of these names. */
const PROGRAM_FILE = /^main\.(cjs|mjs|py|sh|go)$/;

/** Refuses what no back-end could run as it is meant; throws `validation_failed` with every problem at once. */
export function checkRequest(request: SandboxRequest, limits: ResolvedLimits): void {
  const errors = [...sourceProblems(request), ...fileProblems(request, limits), ...wordProblems(request)];
  if (errors.length > 0) {
    throw new AppError('validation_failed', { detail: errors[0]?.message ?? 'not valid', errors });
  }
}

function sourceProblems({ source, language, module }: SandboxRequest): Problem[] {
  const problems: Problem[] = [];
  if (Buffer.byteLength(source) > FIXED_LIMITS.source_bytes) {
    problems.push({
      path: '/source',
      message: `The program is longer than ${FIXED_LIMITS.source_bytes} bytes.`,
    });
  }
  if (module !== undefined && language !== 'javascript' && language !== 'typescript') {
    problems.push({ path: '/module', message: `"module" means nothing for ${language}.` });
  }
  return problems;
}

function fileProblems(request: SandboxRequest, limits: ResolvedLimits): Problem[] {
  const files = Object.entries(request.files ?? {});
  const problems = files.flatMap(([name]): Problem[] => {
    const refusal =
      pathRefusal(name) ?? (name === 'out' || PROGRAM_FILE.test(name) ? 'a reserved name' : null);
    return refusal === null
      ? []
      : [{ path: `/files/${pointer(name)}`, message: `A file may not have ${refusal}.` }];
  });
  const bytes = files.reduce((sum, [, content]) => sum + content.byteLength, 0);
  if (bytes > limits.disk_bytes / 2)
    problems.push({ path: '/files', message: 'The files take more than half of the disk limit.' });
  if (files.some(([, content]) => content.byteLength > limits.file_bytes)) {
    problems.push({ path: '/files', message: 'A file is larger than the file limit.' });
  }
  if (files.length > FIXED_LIMITS.input_files)
    problems.push({ path: '/files', message: 'There are too many files.' });
  return problems;
}

function wordProblems({ args = [], env = {} }: SandboxRequest): Problem[] {
  const problems: Problem[] = [];
  args.forEach((value, index) => {
    if (value.includes('\0'))
      problems.push({ path: `/args/${index}`, message: 'An argument may not hold a NUL.' });
  });
  for (const [name, value] of Object.entries(env)) {
    const path = `/env/${pointer(name)}`;
    if (!ENV_NAME.test(name)) problems.push({ path, message: 'Not a name of an environment variable.' });
    if (RESERVED_ENV.test(name)) problems.push({ path, message: 'This environment variable is reserved.' });
    if (value.includes('\0')) problems.push({ path, message: 'A value may not hold a NUL.' });
  }
  return problems;
}

const pointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
