import { codecSecrets } from './config-temporal.ts';
import type { Base } from './container-store.ts';
import { payloadService } from './domain/payloads.ts';

/** What tools that look at Temporal ask us: they have no key. */
export const createCodec = ({ config: { temporal } }: Pick<Base, 'config'>) => ({
  payloads: payloadService(codecSecrets(temporal)),
  codec_origins: temporal.codec_origins,
});
