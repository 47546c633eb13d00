import { WebSocket } from 'ws';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import type { Product } from '../../support/product.ts';

export interface ProposalBody extends Record<string, unknown> {
  id: string;
  draft_id: string;
  thread_id: string;
  status: string;
  reason: string | null;
  files: Record<string, string | null> | null;
}

export interface Asked {
  proposal_id: string;
  thread_id: string;
  draft_id: string;
  websocket_url: string;
}

export interface Followed {
  id: string;
  event: { type: string; attempt: number; data: Record<string, unknown> };
}

let made = 0;

/** A person at the IDE of this product. */
export function ide(product: Product) {
  const proposal = async (id: string, wait = '') =>
    (await product.call<ProposalBody>('GET', `/proposals/${id}${wait}`)).body;
  return {
    proposal,
    /** A workflow of two steps, `fetch` and `store`. */
    async newWorkflow(): Promise<string> {
      const name = `flow${++made}`;
      const store = transform('${{ steps.fetch.output }}', { needs: ['fetch'] });
      await product.publish(name, definition(name, { fetch: transform(1), store }));
      return name;
    },
    async refine(workflow: string, instructions: string): Promise<Asked> {
      const asked = await product.call<Asked>('POST', '/refinements', { workflow, instructions });
      expect([asked.status, asked.body]).toMatchObject([202, { status: 'processing' }]);
      return asked.body;
    },
    /** Once nobody works on it any more. */
    done: (id: string) =>
      eventually(async () => {
        const found = await proposal(id, '?wait=30');
        return found.status === 'processing' ? undefined : found;
      }),
    decide: (id: string, what: 'approve' | 'reject' | 'rebase') =>
      product.call<ProposalBody>('POST', `/proposals/${id}/${what}`),
    publish: (workflow: string, body?: object) =>
      product.call<{ number: number; detail: string; proposals: string[]; rejected_proposals: string[] }>(
        'POST',
        `/workflows/${workflow}/versions`,
        body,
      ),
    /** Changes the draft by hand. */
    edit: (workflow: string, operation: object) =>
      product.call('POST', '/patches', { tag: `${workflow}/draft`, operations: [operation] }),
    nodes: async (ref: string) =>
      (
        await product.call<{ definition: { nodes: Record<string, Record<string, unknown>> } }>(
          'GET',
          `/workflows/${encodeURIComponent(ref)}?materialize=true`,
        )
      ).body.definition.nodes,
    /** All that is heard until the server ends it. */
    follow: (url: string, after = 0) =>
      new Promise<Followed[]>((resolve, reject) => {
        const seen: Followed[] = [];
        const socket = new WebSocket(`${product.url.replace('http', 'ws')}${url}?last_event_id=${after}`, {
          headers: { authorization: `Bearer ${product.token}` },
        });
        socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString()) as Followed));
        socket.once('close', () => resolve(seen));
        socket.once('error', reject);
      }),
  };
}
