import path from 'node:path';
import { readJsonIfThere, writeAtomic } from './atomic-file.ts';

/** What tools need to reach the running embedded stack. It holds secrets, hence mode 0600. */
export interface DevFile {
  api_url: string;
  token: string;
  /** What the administrator signs in with, as long as that was not changed. */
  admin_email: string;
  admin_password: string;
  temporal_address: string;
  temporal_ui_url: string;
  database_url: string;
  metrics_url: string;
}

/** Writes `<data dir>/dev.json`, replacing the former one in one step. */
export async function writeDevFile(data_dir: string, content: DevFile): Promise<void> {
  await writeAtomic(devFilePath(data_dir), `${JSON.stringify(content, null, 2)}\n`, 0o600);
}

/** The last written `dev.json`, or undefined. The stack it names may have stopped since. */
export async function readDevFile(data_dir: string): Promise<DevFile | undefined> {
  return (await readJsonIfThere(devFilePath(data_dir))) as DevFile | undefined;
}

function devFilePath(data_dir: string): string {
  return path.join(data_dir, 'dev.json');
}
