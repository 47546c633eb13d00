import { asc, eq } from 'drizzle-orm';
import type { Db } from './db.ts';
import { project } from './schema/projects.ts';

export type ProjectRow = typeof project.$inferSelect;
export type ProjectRepository = ReturnType<typeof projectRepository>;

export function projectRepository(db: Db) {
  return {
    async find(id: string): Promise<ProjectRow | undefined> {
      const [row] = await db.select().from(project).where(eq(project.id, id));
      return row;
    },

    /** The oldest projects first. */
    list(limit: number): Promise<ProjectRow[]> {
      return db.select().from(project).orderBy(asc(project.created_at), asc(project.id)).limit(limit);
    },
  };
}
