import type * as ESTree from 'estree';
import { dottedName, isFunction, lastName, unwrap } from './syntax.ts';

/** Things that answer over a network or from a disk, by how they are usually called. */
const SOURCES =
  /^(db|dbh|database|pool|conn|connection|knex|prisma|sequelize|mongo|mongoose|sql|pg|mysql|trx|tx|orm|redis|em|entityManager|axios|got|ky|http|httpClient|dynamo\w*|elastic\w*|supabase|firestore)$/i;
const STORES = /(Repo|Repository|Dao|Gateway|Model|Collection|Table|Db|Database|Store|Pool|Client|Api)$/;
const STORE_NAMES = /^(repo|repository|dao|gateway|store|client|api|collection)$/;
/** What such things are asked that costs a round trip, whatever they are. */
const ALWAYS_ASKS =
  /^(query|queryOne|queryAll|queryRow|execute|findOne|findMany|findById|findByPk|findAll|findUnique|findFirst|findBy\w+|findOneBy\w*|insertOne|updateOne|deleteOne|insertMany|countDocuments|aggregate|\$queryRaw|\$executeRaw|hget|hgetall|hset|mget)$/;
const ASKS =
  /^(query|execute|exec|run|all|get|getAll|one|oneOrNone|any|many|none|raw|select|insert|update|upsert|delete|remove|destroy|save|create|find|first|count|exists|post|put|patch|request|fetch|set|lookup|load|read|write|send|\w*By(Id|Key|Name|Email)\w*|(get|find|fetch|load|list|read|save|insert|update|delete|remove|create|select|count|lookup)[A-Z]\w*)$/;

/** Whether a call asks a database or a server, as far as names tell. */
export function isQuery(call: ESTree.SimpleCallExpression): boolean {
  const callee = unwrap(call.callee);
  if (callee.type === 'Identifier') return callee.name === 'fetch' || callee.name === 'axios';
  if (callee.type !== 'MemberExpression') return false;
  // `list.find((x) => …)` is an array's own.
  if (isFunction(call.arguments[0])) return false;
  const name = lastName(callee);
  if (ALWAYS_ASKS.test(name)) return true;
  return ASKS.test(name) && isSource(dottedName(callee.object));
}

function isSource(object: string): boolean {
  const parts = object.split('.').filter((part) => part !== 'this' && part !== '');
  return parts.some((part) => {
    const name = part.replace('()', '');
    return SOURCES.test(name) || STORES.test(name) || STORE_NAMES.test(name);
  });
}
