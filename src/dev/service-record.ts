import { readJsonIfThere, writeAtomic } from './atomic-file.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

/** What a start leaves behind, so that the next one knows the child should this process be killed. */
export interface ServiceRecord extends ProcessIdentity {
  /** Command and arguments: a child started differently is not reused. */
  fingerprint: string;
  ports: number[];
}

/** The recorded child if exactly that process still runs. */
export async function liveRecord(file: string): Promise<ServiceRecord | undefined> {
  const record = await readRecord(file);
  return record && isAlive(record) ? record : undefined;
}

/** The ports of the last start, running or not; empty when there was none. */
export async function rememberedPorts(file: string): Promise<number[]> {
  return (await readRecord(file))?.ports ?? [];
}

/** Records a child that was just started. */
export async function writeRecord(file: string, record: ServiceRecord): Promise<void> {
  await writeAtomic(file, JSON.stringify(record));
}

async function readRecord(file: string): Promise<ServiceRecord | undefined> {
  const value = (await readJsonIfThere(file)) as Partial<ServiceRecord> | undefined;
  const sound =
    typeof value?.pid === 'number' && typeof value.started === 'string' && Array.isArray(value.ports);
  return sound ? (value as ServiceRecord) : undefined;
}
