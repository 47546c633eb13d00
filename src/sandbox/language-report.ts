import { CODE_LANGUAGES, type CodeLanguage, type LanguageReport } from '../contract/sandbox.ts';
import type { Backend } from './backend.ts';
import { resolveLimits } from './limits.ts';
import type { Runtime, Runtimes } from './runtimes.ts';
import { typescriptToJavascript, typescriptVersion } from './typescript.ts';

/** Programs that print their interpreter's version; the others are known without asking. */
const ASK_VERSION: Partial<Record<CodeLanguage, string>> = {
  python: 'import sys\nprint(sys.version.split()[0])',
  bash: 'echo "${BASH_VERSION%%(*}"',
};

/** Tries every language in the back-end that will run it, and tells which of them work. */
export function reportLanguages(backend: Backend, runtimes: Runtimes): Promise<LanguageReport[]> {
  return Promise.all(CODE_LANGUAGES.map((language) => reportLanguage(backend, language, runtimes)));
}

/** For a host where only QuickJS, or nothing, can run. */
export async function reportWithout(reason: string, wasm: boolean): Promise<LanguageReport[]> {
  const version = await quickjsVersion();
  return CODE_LANGUAGES.map((language) => {
    const script = language === 'javascript' || language === 'typescript';
    return wasm && script ? { language, available: true, version } : { language, available: false, reason };
  });
}

async function reportLanguage(
  backend: Backend,
  language: CodeLanguage,
  runtimes: Runtimes,
): Promise<LanguageReport> {
  const runtime = runtimes[language];
  if ('missing' in runtime) return { language, available: false, reason: runtime.missing };
  try {
    return { language, available: true, version: await versionOf(backend, language, runtime) };
  } catch (error) {
    return { language, available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function versionOf(backend: Backend, language: CodeLanguage, runtime: Runtime): Promise<string> {
  if (language === 'typescript') {
    // Also starts esbuild's service, which the first program would wait for otherwise.
    await typescriptToJavascript('const x: number = 1;', 'commonjs', 10_000);
    return `node ${runtime.version ?? ''}, esbuild ${await typescriptVersion()}`;
  }
  const source = ASK_VERSION[language];
  if (source === undefined) return runtime.version ?? 'unknown';
  const limits = resolveLimits({ wall_ms: 10_000 });
  const result = await backend.run({ request: { language, source }, source, limits, options: {}, runtime });
  if (result.cause === 'exited' && result.exit_code === 0) return result.stdout.trim();
  throw new Error(
    `${language} does not start in the sandbox: ${result.detail ?? (result.stderr.trim().slice(0, 300) || result.cause)}`,
  );
}

async function quickjsVersion(): Promise<string> {
  try {
    await import('quickjs-emscripten');
    return 'QuickJS';
  } catch {
    return 'QuickJS is not installed';
  }
}
