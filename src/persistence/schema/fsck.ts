import { pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const fsckFinding = pgTable(
  'fsck_finding',
  {
    job_id: uuid('job_id').notNull(),
    kind: text('kind').notNull(),
    about: text('about').notNull(),
    detail: text('detail').notNull(),
    found_at: instant('found_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.job_id, t.kind, t.about] })],
);
