import { AppError } from '../contract/errors.ts';
import { type Db, sqlState } from '../persistence/db.ts';
import {
  deleteRule,
  findRule,
  insertRule,
  listRules,
  type RuleFacts,
  type TagRuleRow,
  updateRule,
} from '../persistence/tags-rules.ts';
import type { Caller } from './refs.ts';
import { isTagPattern } from './rules/tag-rule.ts';
import { type Page, page } from './tags.ts';

export interface TagRuleService {
  /** By pattern, after `page.after`. */
  list(project_id: string, page: { after?: string; limit: number }): Promise<Page<TagRuleRow, string>>;
  get(project_id: string, id: string): Promise<TagRuleRow>;
  /** Throws `validation_failed` for a pattern that is none, `state_conflict` for one that has a rule. */
  create(caller: Caller, rule: RuleFacts): Promise<TagRuleRow>;
  replace(caller: Caller, id: string, rule: RuleFacts): Promise<TagRuleRow>;
  delete(caller: Caller, id: string): Promise<void>;
}

/** All rules of a project are read with every write to a tag, so there cannot be any number of them. */
const MAX_RULES = 100;

/** What guards tags by their names. A change takes effect with the next write to a tag. */
export function tagRuleService({ db, ids }: { db: Db; ids: () => string }): TagRuleService {
  return {
    list: async (project_id, { after = '', limit }) =>
      page(await listRules(db, project_id, { after, limit: limit + 1 }), limit, (rule) => rule.pattern),
    get: async (project_id, id) => found(await findRule(db, project_id, id)),
    create: async ({ project_id, actor }, rule) => {
      const row = { ...checked(rule), id: ids(), project_id, created_by: actor };
      const created = await unlessTaken(rule, insertRule(db, row, MAX_RULES));
      if (created) return created;
      throw new AppError('state_conflict', { detail: `A project has at most ${MAX_RULES} rules.` });
    },
    replace: async ({ project_id }, id, rule) =>
      found(await unlessTaken(rule, updateRule(db, { ...checked(rule), id, project_id }))),
    delete: async ({ project_id }, id) => void found((await deleteRule(db, project_id, id)) || undefined),
  };
}

function checked(rule: RuleFacts): RuleFacts {
  if (isTagPattern(rule.pattern)) return rule;
  const message =
    'A pattern has 1–200 characters in segments of letters, digits, ".", "_", "-" and "*", or "**" for a whole segment.';
  throw new AppError('validation_failed', { detail: message, errors: [{ path: '/pattern', message }] });
}

async function unlessTaken<T>({ pattern }: RuleFacts, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (sqlState(error)?.constraint !== 'tag_rule_project_id_pattern_key') throw error;
    throw new AppError('state_conflict', { detail: `The pattern ${pattern} has a rule.` });
  }
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new AppError('not_found');
  return row;
}
