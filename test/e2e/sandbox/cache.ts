import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The cache directory of these tests. It outlives them: Go takes part once `warmGoCache` was called for it,
 * which takes a minute and is not done here.
 */
export const CACHE_DIR = join(tmpdir(), `orchestrator-sandbox-test-${process.getuid?.() ?? 0}`);

mkdirSync(CACHE_DIR, { recursive: true, mode: 0o755 });
