import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { devEnvironment } from '../../src/dev/environment.ts';
import { freePort, ownServer, type OwnServer } from './own-server.ts';
import { execute, oneAtATime, systemProgram, type Available } from './system-programs.ts';

export interface TestKafka extends OwnServer {
  /** host:port */
  broker: string;
  /** The same by TLS, for one who logs in. */
  secure: { broker: string; ca_file: string; username: string; password: string };
  remove(): Promise<void>;
}

const HERE = fileURLToPath(new URL('./kafka', import.meta.url));
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const FETCH_TIMEOUT_MS = 600_000;

/** A real Kafka in KRaft mode on free ports, its data in a temporary directory; started. */
export async function testKafka(): Promise<Available<TestKafka>> {
  try {
    const java = await systemProgram('java', 'default-jre-headless');
    const jars = await kafkaJars();
    const directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-kafka-'));
    const [port, secure_port, controller_port] = [await freePort(), await freePort(), await freePort()];
    const settings = path.join(directory, 'server.properties');
    const data = path.join(directory, 'data');
    const { ca_file, keys } = await certificate(directory);
    await writeFile(settings, properties({ port, secure_port, controller_port, data, keys }));
    // It does not live long enough for a better compiler, or more threads to collect garbage, to pay.
    const base = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${jars}/*`];
    const id = randomBytes(16).toString('base64url').replace(/^-/, 'A');
    await execute(java, [...base, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', settings]);
    const server = ownServer({ file: java, args: [...base, 'kafka.Kafka', settings], cwd: directory, port });
    await server.start();
    const remove = async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    };
    const secure = { broker: `127.0.0.1:${secure_port}`, ca_file, ...LOGIN };
    return { server: { ...server, broker: `127.0.0.1:${port}`, secure, remove } };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

const LOGIN = { username: 'shop', password: 'not-a-secret' };

/** A certificate for this machine that signs itself, and both it and its key in one PEM file. */
async function certificate(directory: string): Promise<{ ca_file: string; keys: string }> {
  const openssl = await systemProgram('openssl', 'openssl');
  const [ca_file, key_file, keys] = ['ca.pem', 'key.pem', 'keys.pem'].map((name) =>
    path.join(directory, name),
  ) as [string, string, string];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key_file, '-out', ca_file];
  await execute(openssl, [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    ...files,
  ]);
  await writeFile(keys, Buffer.concat([await readFile(key_file), await readFile(ca_file)]));
  return { ca_file, keys };
}

interface Settings {
  port: number;
  secure_port: number;
  controller_port: number;
  data: string;
  keys: string;
}

const properties = (at: Settings): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${at.controller_port}
listeners=PLAINTEXT://127.0.0.1:${at.port},SECURE://127.0.0.1:${at.secure_port},CONTROLLER://127.0.0.1:${at.controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:${at.port},SECURE://127.0.0.1:${at.secure_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=${at.keys}
listener.name.secure.sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${LOGIN.username}="${LOGIN.password}";
controller.listener.names=CONTROLLER
log.dirs=${at.data}
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`;

/** The directory with all of Kafka's jars, fetched once from Maven Central; only the very files that were looked into. */
async function kafkaJars(): Promise<string> {
  const wanted = await readFile(path.join(HERE, 'jars.sha256'), 'utf8');
  const name = `kafka-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`;
  const cached = path.join(devEnvironment().cache_dir, name);
  return oneAtATime('kafka', async () => {
    if (await isWhole(cached, wanted)) return cached;
    const maven = await systemProgram('mvn', 'maven');
    process.stderr.write('test support: fetching Kafka from Maven Central (43 MB, once)\n');
    await mkdir(path.dirname(cached), { recursive: true });
    const scratch = await mkdtemp(`${cached}.`);
    try {
      const args = ['-q', '-B', '-f', path.join(HERE, 'pom.xml'), COPY, '-DincludeScope=runtime'];
      await execute(maven, [...args, `-DoutputDirectory=${scratch}`], { timeout: FETCH_TIMEOUT_MS });
      if (!(await isWhole(scratch, wanted))) throw new Error('what came is not the Kafka of jars.sha256');
      await rm(cached, { recursive: true, force: true });
      await rename(scratch, cached);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return cached;
  });
}

async function isWhole(directory: string, wanted: string): Promise<boolean> {
  for (const line of wanted.trim().split('\n')) {
    const [digest, name = ''] = line.split(/\s+/);
    const bytes = await readFile(path.join(directory, name)).catch(() => undefined);
    if (!bytes || createHash('sha256').update(bytes).digest('hex') !== digest) return false;
  }
  return true;
}
