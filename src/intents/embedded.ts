import type { IntentService } from '../contract/intent.ts';
import { analyseIntent } from './analyse.ts';
import { planIntent } from './plan.ts';

/** The intent service that is always there: rules, no model and no network. */
export function embeddedIntents(): IntentService {
  return {
    async analyse(request, { signal }) {
      signal.throwIfAborted();
      return Promise.resolve(analyseIntent(request));
    },
    async plan(request, analysis, { signal }) {
      signal.throwIfAborted();
      return Promise.resolve(planIntent(request, analysis));
    },
  };
}
