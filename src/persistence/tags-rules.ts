import type { Role } from '../contract/roles.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** What a rule asks for, as far as the gate needs it. */
export interface RuleFacts {
  pattern: string;
  role: Exclude<Role, 'viewer'>;
  approvals: number;
}

/** A rule as it is read along with a tag; with an environment, its tags move only through deployments. */
export interface GateRule extends RuleFacts {
  environment?: string;
}

export interface TagRuleRow extends RuleFacts {
  id: string;
  created_by: string;
  created_at: Date;
}

/**
 * A column: all rules of project $1, those of environments included, read along with a tag so that guarding it costs no
 * statement of its own.
 */
export const RULES = `(SELECT json_agg(g.rule) FROM (
    SELECT json_build_object('pattern', r.pattern, 'role', r.role, 'approvals', r.approvals) AS rule
    FROM tag_rule r WHERE r.project_id = $1
    UNION ALL
    SELECT json_build_object('pattern', '*/' || e.name, 'role', 'editor', 'approvals', 0, 'environment', e.name)
    FROM environment e WHERE e.project_id = $1 AND e.binds_tags
  ) g)`;

const COLUMNS = 'id, pattern, role, approvals, created_by, created_at';

const LIST = statement<TagRuleRow>(
  'tag_rule_list',
  `SELECT ${COLUMNS} FROM tag_rule WHERE project_id = $1 AND pattern > $2 ORDER BY pattern LIMIT $3`,
);

const FIND = statement<TagRuleRow>(
  'tag_rule_find',
  `SELECT ${COLUMNS} FROM tag_rule WHERE project_id = $1 AND id = $2`,
);

const INSERT = statement<TagRuleRow>(
  'tag_rule_insert',
  `INSERT INTO tag_rule (id, project_id, pattern, role, approvals, created_by)
   SELECT $1::uuid, $2::uuid, $3, $4, $5::integer, $6 WHERE (SELECT count(*) FROM tag_rule WHERE project_id = $2) < $7
   RETURNING ${COLUMNS}`,
);

const UPDATE = statement<TagRuleRow>(
  'tag_rule_update',
  `UPDATE tag_rule SET pattern = $3, role = $4, approvals = $5 WHERE project_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
);

const DELETE = statement<{ id: string }>(
  'tag_rule_delete',
  `DELETE FROM tag_rule WHERE project_id = $1 AND id = $2 RETURNING id`,
);

/** Rules by pattern, after the pattern `after`. */
export function listRules(
  db: Db,
  project_id: string,
  page: { after: string; limit: number },
): Promise<TagRuleRow[]> {
  return run(db, LIST, [project_id, page.after, page.limit]);
}

export function findRule(db: Db, project_id: string, id: string): Promise<TagRuleRow | undefined> {
  return runOne(db, FIND, [project_id, id]);
}

/** Undefined when the project has `max` rules already. A pattern that is taken violates `tag_rule_project_id_pattern_key`. */
export function insertRule(
  db: Db,
  rule: RuleFacts & { id: string; project_id: string; created_by: string },
  max: number,
): Promise<TagRuleRow | undefined> {
  const { id, project_id, pattern, role, approvals, created_by } = rule;
  return runOne(db, INSERT, [id, project_id, pattern, role, approvals, created_by, max]);
}

export function updateRule(
  db: Db,
  { project_id, id, pattern, role, approvals }: RuleFacts & { id: string; project_id: string },
): Promise<TagRuleRow | undefined> {
  return runOne(db, UPDATE, [project_id, id, pattern, role, approvals]);
}

/** False when there was none. */
export async function deleteRule(db: Db, project_id: string, id: string): Promise<boolean> {
  return (await runOne(db, DELETE, [project_id, id])) !== undefined;
}
