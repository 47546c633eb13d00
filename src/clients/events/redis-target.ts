import type { CloudEvent, EventTarget } from '../../contract/events.ts';
import type { RedisLink } from './redis-link.ts';

/** `<prefix>:events:<project>:<run>`: one channel, and by pattern those of a project or all. */
export const channelOf = (prefix: string, { projectid, subject }: CloudEvent): string =>
  `${prefix}:events:${projectid}:${subject}`;

/** Publishes events to whoever is subscribed at that moment. */
export function redisTarget(link: RedisLink, prefix: string): EventTarget {
  return {
    name: 'redis',
    async publish(events) {
      const client = await link.client();
      // All in one write; Redis takes them in this order.
      await Promise.all(
        events.map((event) => client.publish(channelOf(prefix, event), JSON.stringify(event))),
      );
    },
    close: () => Promise.resolve(),
  };
}
