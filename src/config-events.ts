import { z } from 'zod';
import { address, field, flag, integer, list, secretText, section, word } from './config-fields.ts';

/** Where events go, besides the streams of the API. */

export const events = section({
  source: field(word.default('/orchestrator'), 'The `source` of events outside: names this installation.'),
});

export const webhooks = section({
  allow_hosts: field(
    list.default([]),
    'Hosts and CIDR ranges that webhooks may go to although they are private.',
  ),
  max_attempts: field(
    integer(1, 100).default(15),
    'Attempts before a delivery is a dead letter; 15 take about six hours.',
  ),
  first_retry_ms: field(
    integer(1, 3_600_000).default(5_000),
    'Before the second attempt; twice as long before each further one, up to an hour.',
  ),
  timeout_seconds: field(integer(1, 300).default(15), 'How long a server may take to answer a delivery.'),
  keep_delivered_days: field(integer(1, 36_500).default(7), 'How long deliveries that succeeded are listed.'),
});

export const redis = section({
  addr: field(address.optional(), 'Redis that events are published on and ended runs are cached in.', {
    aliases: ['REDIS_ADDR'],
  }),
  db: field(integer(0, 1000).default(0), 'Redis database number.'),
  username: field(word.optional(), 'User of an access control list.'),
  password: field(secretText(1).optional(), 'Password of Redis.', { secret: true }),
  tls: field(flag.default(false), 'Speak TLS with Redis.'),
  prefix: field(word.default('orchestrator'), 'First part of the names of channels and keys.'),
  run_cache_seconds: field(
    integer(0, 86_400).default(3_600),
    'How long a run that has ended is answered from Redis; 0 is not at all.',
  ),
});

export const kafka = section({
  brokers: field(list.default([]), 'Kafka brokers events are sent to, `host:port` each.', {
    aliases: ['KAFKA_BROKERS'],
  }),
  topic: field(word.default('orchestrator.events'), 'Topic they are sent to.'),
  tls: field(flag.default(false), 'Speak TLS with the brokers.'),
  ca_file: field(
    word.optional(),
    'PEM file of who signs the brokers’ certificates, when it is none of the usual ones.',
  ),
  sasl_mechanism: field(
    z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512'),
    'How the user is authenticated.',
  ),
  username: field(word.optional(), 'User the brokers ask for.'),
  password: field(secretText(1).optional(), 'Password of that user.', { secret: true }),
}).superRefine(({ username, password }, context) => {
  if ((username === undefined) === (password === undefined)) return;
  const path = [username === undefined ? 'username' : 'password'];
  context.addIssue({ code: 'custom', path, message: 'a user and a password go together' });
});
