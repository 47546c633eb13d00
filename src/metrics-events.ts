import type { Meter } from '@opentelemetry/api';
import type { Metrics } from './contract/metrics.ts';

/** What is counted of events on their way out. */
export function eventMetrics(
  meter: Meter,
): Pick<Metrics, 'eventsSent' | 'sinkFailed' | 'webhookTried' | 'runCacheAsked'> {
  const sent = meter.createCounter('orchestrator_events_sent_total', {
    description: 'Events a sink has taken.',
  });
  const failures = meter.createCounter('orchestrator_event_sink_failures_total', {
    description: 'Batches a sink failed to take; they are sent again.',
  });
  const webhooks = meter.createCounter('orchestrator_webhook_attempts_total', {
    description: 'Webhook deliveries tried, by what they are afterwards.',
  });
  const cache = meter.createCounter('orchestrator_run_cache_total', {
    description: 'Questions to the cache of runs, by outcome.',
  });
  return {
    eventsSent: (sink, count) => sent.add(count, { sink }),
    sinkFailed: (sink) => failures.add(1, { sink }),
    webhookTried: (state) => webhooks.add(1, { state }),
    runCacheAsked: (outcome) => cache.add(1, { outcome }),
  };
}
