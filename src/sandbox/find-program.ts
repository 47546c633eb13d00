import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Programs are looked for here first: everybody may read these, and no home directory is near. */
export const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin'];

/** The path of a program in the first of the directories that has it, or null. */
export function findProgram(name: string, directories: readonly string[] = SYSTEM_PATH): string | null {
  return directories.map((directory) => join(directory, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
