import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunBody } from '../../support/api-client.ts';
import { definition, transform, wait } from '../../support/definitions.ts';
import type { Fleet } from '../../support/fleet.ts';
import { insistent } from '../../support/insist.ts';
import type { Random } from '../../support/random.ts';

interface StoryOptions {
  fleet: Fleet;
  random: Random;
  until_ms: number;
}

/** What one client did, and what the product has to say about it. */
export interface Story {
  /** Where the product does not say what the model says. */
  differences(): Promise<string[]>;
}

/** A run as the model has it: what was told to it, and so how it ends. */
interface ToldRun {
  id: string;
  n: number;
  ends: 'completed' | 'failed' | 'cancelled' | 'terminated';
}

/** However slow the machine is. */
const LEAST_DEEDS = 4;

const nodes = {
  a: transform('${{ input.n }}'),
  told: { type: 'wait', needs: ['a'], config: { event: 'told' } },
  asked: { type: 'approval', needs: ['told'], config: { prompt: 'Right?' } },
  rest: wait(0.1, { needs: ['asked'] }),
  b: transform('${{ [steps.a.output, steps.told.output.payload, params.rate] }}', { needs: ['rest'] }),
};

/** A client that does one thing after the other, each until it is answered, and remembers what the product must hold. */
export async function startStoryOf(
  number: number,
  { fleet, random, until_ms }: StoryOptions,
): Promise<Story> {
  const client = insistent(fleet);
  const tag = `told-${number}`;
  const blobs: string[] = [];
  const runs: ToldRun[] = [];
  const heads: string[] = [];
  let told = 0;
  let deeds = 0;

  const command = async (id: string, type: string, payload: object = {}) => {
    const { status } = await client.call('POST', `/runs/${id}/commands`, { id: `c${told++}`, type, payload });
    if (status !== 202 && status !== 200) throw new Error(`${type} was answered ${status}`);
  };
  async function until(id: string, wanted: (run: RunBody) => boolean): Promise<RunBody> {
    for (;;) {
      const { body } = await client.call<RunBody>('GET', `/runs/${id}`);
      if (wanted(body)) return body;
      await pause(50);
    }
  }
  const stepOf = async (id: string, node: string) =>
    (
      await client.call<{ items: { node: string; state: string }[] }>('GET', `/runs/${id}/steps`)
    ).body.items.find((step) => step.node === node);
  const untilWaiting = async (id: string, node: string) => {
    while ((await stepOf(id, node))?.state !== 'waiting') await pause(50);
  };

  async function save(): Promise<void> {
    const params = { rate: 1, edition: heads.length };
    const { body } = await client.call<{ version_hash: string }>('POST', '/workflows', {
      tag_name: tag,
      workflow: definition(tag, nodes, { params, output: '${{ steps.b.output }}' }),
    });
    heads.push(body.version_hash);
  }

  async function putBlob(): Promise<void> {
    const text = JSON.stringify({ number, deeds, filler: 'x'.repeat(random.below(4_000)) });
    const { body } = await client.call<{ cas_id: string }>('PUT', '/blobs', JSON.parse(text));
    blobs.push(body.cas_id);
  }

  async function tell(id: string, n: number): Promise<void> {
    await untilWaiting(id, 'told');
    await client.call('POST', `/runs/${id}/events/told`, n);
    await untilWaiting(id, 'asked');
  }

  async function decide(id: string, decision: 'approve' | 'reject'): Promise<void> {
    await client.call('POST', `/runs/${id}/approvals/asked`, { decision });
  }

  /** Something to everything that may be told to a run. */
  const COURSES: Readonly<Record<string, (id: string, n: number) => Promise<ToldRun['ends']>>> = {
    async approved(id, n) {
      await tell(id, n);
      await decide(id, 'approve');
      return 'completed';
    },
    async rejected(id, n) {
      await tell(id, n);
      await decide(id, 'reject');
      return 'failed';
    },
    async paused(id, n) {
      await untilWaiting(id, 'told');
      await command(id, 'pause');
      await until(id, ({ state }) => state === 'paused');
      await command(id, 'resume');
      await until(id, ({ state }) => state === 'running');
      return COURSES.approved!(id, n);
    },
    async cancelled(id) {
      await command(id, 'cancel');
      return 'cancelled';
    },
    async terminated(id) {
      await untilWaiting(id, 'told');
      await command(id, 'terminate', { reason: 'as the dice say' });
      return 'terminated';
    },
  };

  async function run(): Promise<void> {
    const n = deeds;
    const { body } = await client.call<RunBody>('POST', '/runs', { workflow: tag, input: { n } });
    const ends = await COURSES[random.pick(Object.keys(COURSES))]!(body.id, n);
    runs.push({ id: body.id, n, ends });
    await until(body.id, ({ ended_at }) => ended_at !== null);
    if (ends === 'failed' && random.below(2) === 0) await retry(body.id, n);
  }

  /** The run goes on from the step that failed, in a run of its own. */
  async function retry(id: string, n: number): Promise<void> {
    const { body, status } = await client.call<RunBody>('POST', `/runs/${id}/retry`);
    if (status !== 202) throw new Error(`retry was answered ${status}`);
    await untilWaiting(body.id, 'asked');
    await decide(body.id, 'approve');
    runs.push({ id: body.id, n, ends: 'completed' });
  }

  await save();
  while (Date.now() < until_ms || deeds < LEAST_DEEDS) {
    await random.pick([save, putBlob, putBlob, run, run, run])();
    deeds++;
  }

  return {
    async differences() {
      const found: string[] = [...client.offences];
      for (const { id, n, ends } of runs) {
        const { state, output } = await until(id, ({ ended_at }) => ended_at !== null);
        const wanted = ends === 'completed' ? [n, n, 1] : null;
        if (state !== ends || JSON.stringify(output ?? null) !== JSON.stringify(wanted))
          found.push(
            `run ${id} is ${state} with ${JSON.stringify(output)}, not ${ends} with ${JSON.stringify(wanted)}`,
          );
      }
      const head = (await client.call<{ target_hash: string }>('GET', `/tags/${tag}`)).body.target_hash;
      if (head !== heads.at(-1)) found.push(`${tag} is at ${head}, not at ${heads.at(-1)}`);
      const moves = await historyOf();
      if (JSON.stringify(moves) !== JSON.stringify(heads))
        found.push(`${tag} was at ${moves.join()}, not at ${heads.join()}`);
      for (const cas_id of blobs) if (!(await isWhole(cas_id))) found.push(`blob ${cas_id} is not whole`);
      return found;
    },
  };

  /** Every place the tag was at, oldest first. */
  async function historyOf(): Promise<string[]> {
    const moves = await fleet.all<{ to_hash: string; seq: number }>(`/tags/${tag}/history`);
    return moves.sort((a, b) => a.seq - b.seq).map(({ to_hash }) => to_hash);
  }

  async function isWhole(cas_id: string): Promise<boolean> {
    const answer = await fetch(`${fleet.url}/api/v1/blobs/${cas_id}`, {
      headers: { authorization: `Bearer ${fleet.token}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return answer.status === 200 && `sha256:${createHash('sha256').update(bytes).digest('hex')}` === cas_id;
  }
}
