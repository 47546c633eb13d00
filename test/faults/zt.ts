import { migrate } from '../../src/persistence/migrate.ts';
import { databaseUrl, onServer } from '../support/database.ts';
const u=process.env.ORCHESTRATOR_TEST_DATABASE_URL!;
await onServer(u,'DROP DATABASE IF EXISTS flt_tpl WITH (FORCE)'); await onServer(u,'CREATE DATABASE flt_tpl'); await migrate(databaseUrl(u,'flt_tpl'));
