import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';
import { type GateRule, RULES } from './tags-rules.ts';
import { REF_COLUMNS, type RefRow } from './workflows-resolve.ts';

type HeadRow = RefRow & { rules: GateRule[] | null };

const READ = statement<HeadRow>(
  'tag_read_head',
  `SELECT ${REF_COLUMNS}, ${RULES} AS rules FROM (SELECT 1) AS always
   LEFT JOIN (tag t JOIN artifact a ON a.id = t.target_id JOIN workflow w ON w.project_id = t.project_id AND w.name = t.workflow_name)
     ON t.project_id = $1 AND t.name = $2`,
);

/** A tag with all about what it points at, undefined when there is none, and the rules of the project. */
export async function readHeadRow(
  db: Db,
  tag: { project_id: string; name: string },
): Promise<{ head?: RefRow; rules: GateRule[] }> {
  const row = await runOne(db, READ, [tag.project_id, tag.name]);
  if (!row) return { rules: [] };
  const { rules, ...head } = row;
  return { rules: rules ?? [], ...(head.tag !== null && { head }) };
}
