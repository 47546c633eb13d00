import type pg from 'pg';

/** What a collection must take, by nothing but the rules of contract §3.9 read aloud. */
export interface Garbage {
  artifacts: string[];
  blobs: string[];
}

export interface ModelRules {
  undo_window_days: number;
  /** Marks up to this age in seconds protect. */
  grace_seconds: number;
}

interface Artifact {
  id: string;
  cas_id: string;
  version_hash: string | null;
  parents: string[];
  base_version: string | null;
  compacted_from_id: string | null;
  marked_seconds: number | null;
}

interface Blob {
  cas_id: string;
  text: string;
  marked_seconds: number | null;
}

/**
 * Reachability by going over everything again and again until nothing is added: slow, and with nothing in common with the
 * one under test. Of a blob in an object store `textOf` gives the text.
 */
export async function garbageOf(
  pool: pg.Pool,
  { undo_window_days, grace_seconds }: ModelRules,
  textOf: (cas_id: string) => Promise<string>,
): Promise<Garbage> {
  const all = async <T>(query: string): Promise<T[]> => (await pool.query(query)).rows as T[];
  const marked = `extract(epoch FROM now() - unreachable_since)::float8 AS marked_seconds`;
  const artifacts = await all<Artifact>(`SELECT *, ${marked} FROM artifact WHERE live`);
  const stored = await all<Blob & { content: Buffer | null }>(
    `SELECT cas_id, content, ${marked} FROM cas_blob WHERE collected_at IS NULL`,
  );
  const blobs = await Promise.all(
    stored.map(async ({ content, ...blob }) => ({
      ...blob,
      text: content ? content.toString('latin1') : await textOf(blob.cas_id),
    })),
  );
  const roots = await all<{ id: string | null }>(`SELECT target_id AS id FROM tag
    UNION SELECT from_id FROM tag_move WHERE now() - moved_at < interval '${undo_window_days} days'
    UNION SELECT to_id FROM tag_move WHERE now() - moved_at < interval '${undo_window_days} days'
    UNION SELECT target_id FROM tag_approval WHERE now() - approved_at < interval '${undo_window_days} days'
    UNION SELECT base_id FROM proposal WHERE status IN ('processing', 'completed')
    UNION SELECT artifact_id FROM run UNION SELECT manifest_id FROM run UNION SELECT snapshot_id FROM run`);
  const young = ({ marked_seconds }: { marked_seconds: number | null }) =>
    (marked_seconds ?? 0) < grace_seconds;
  const kept = new Set([...roots.map((root) => root.id), ...artifacts.filter(young).map((a) => a.id)]);
  untilStable(kept, () => {
    for (const a of artifacts)
      if (kept.has(a.id)) for (const id of [...a.parents, a.base_version, a.compacted_from_id]) kept.add(id);
  });
  const values = await all<{ ref: string | null; text: string }>(
    `SELECT unnest(ARRAY[input_ref, output_ref]) AS ref, concat(input, params, output, error) AS text FROM run
     UNION ALL SELECT unnest(ARRAY[input_ref, output_ref, logs_ref]), concat(output, error) FROM step
     UNION ALL SELECT NULL, concat(patch, files) FROM proposal WHERE status = 'completed'`,
  );
  const needed = new Set<string | null>(values.map((value) => value.ref));
  for (const a of artifacts) if (kept.has(a.id)) needed.add(a.cas_id).add(a.version_hash);
  const readable = [
    ...values.map((value) => value.text),
    ...blobs.filter((b) => needed.has(b.cas_id)).map((b) => b.text),
  ];
  for (const text of readable) for (const [name] of text.matchAll(/sha256:[0-9a-f]{64}/g)) needed.add(name);
  return {
    artifacts: artifacts
      .filter((a) => !kept.has(a.id))
      .map((a) => a.id)
      .sort(),
    blobs: blobs
      .filter((b) => !needed.has(b.cas_id) && !young(b))
      .map((b) => b.cas_id)
      .sort(),
  };
}

function untilStable(set: ReadonlySet<unknown>, round: () => void): void {
  for (let before = -1; before !== set.size;) {
    before = set.size;
    round();
  }
}
