import { interval, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const rateBucket = pgTable('rate_bucket', {
  key: text('key').primaryKey(),
  full_at: instant('full_at').notNull(),
  most: interval('most').notNull(),
});
