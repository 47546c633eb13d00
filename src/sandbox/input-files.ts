import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';

/** The files of a request as a tar, for the launcher to unpack. */
export async function packFiles(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const [name, content] of Object.entries(files)) {
    archive.entry({ name, mode: 0o644, mtime: new Date(0) }, Buffer.from(content));
  }
  archive.finalize();
  return bytes;
}
