import type { TransformFailure } from 'esbuild';
import type { SandboxRequest } from '../contract/sandbox.ts';

export type Transformed = { javascript: string } | { problems: string };

/**
 * Strips the types of a program. Only transforms: nothing is resolved, read or run. Answers the formatted
 * problems of a program that does not parse; rejects when esbuild itself fails or takes longer than `timeout_ms`.
 */
export async function typescriptToJavascript(
  source: string,
  module: SandboxRequest['module'],
  timeout_ms: number,
): Promise<Transformed> {
  const esbuild = await import('esbuild');
  let timer: NodeJS.Timeout | undefined;
  const too_long = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the TypeScript transform took too long')), timeout_ms);
  });
  const transform = esbuild.transform(source, {
    loader: 'ts',
    format: module === 'esm' ? 'esm' : 'cjs',
    target: 'es2023',
    sourcemap: 'inline',
    sourcefile: 'main.ts',
    // Without this esbuild would take settings from a tsconfig.json that happens to lie around.
    tsconfigRaw: {},
  });
  try {
    return { javascript: (await Promise.race([transform, too_long])).code };
  } catch (error) {
    if (isTransformFailure(error)) return { problems: await format(error) };
    // A hanging or dead service would fail every later program too; the next call starts a new one.
    await esbuild.stop();
    throw error;
  } finally {
    clearTimeout(timer);
    transform.catch(() => undefined);
  }
}

/** The version of the transformer. */
export async function typescriptVersion(): Promise<string> {
  return (await import('esbuild')).version;
}

async function format(failure: TransformFailure): Promise<string> {
  const esbuild = await import('esbuild');
  return (await esbuild.formatMessages(failure.errors, { kind: 'error', color: false })).join('\n');
}

function isTransformFailure(error: unknown): error is TransformFailure {
  return error instanceof Error && Array.isArray((error as Partial<TransformFailure>).errors);
}
